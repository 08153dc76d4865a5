# SPDX-License-Identifier: Apache-2.0
"""usage: tokenizers_test.py TOKENIZER_PROGRAM

Ids and texts beside those of Hugging Face's tokenizers library, for tokenizer.json files with one
part changed after the other, on ordinary, hostile and random texts. Skipped where this Python has no
tokenizers.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    from tokenizers import Tokenizer
except ImportError as reason:
    print("skipped: no tokenizers to compare with: %s" % reason)
    sys.exit(77)

DATA = os.path.join(os.environ["LEWIN_TEST_DATA"], "tokenizers")
WORD = "\u2581"
PREPEND = {"type": "Prepend", "prepend": WORD}
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": WORD}


def sequence(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


def normalizers(*parts):
    return {"normalizer": sequence("normalizers", *parts)}


def metaspace(**settings):
    return dict({"type": "Metaspace", "replacement": WORD}, **settings)


def words(**settings):
    """Metaspace instead of a normalizer, as in newer files."""
    return {"normalizer": None, "pre_tokenizer": metaspace(**settings), "decoder": sequence(
        "decoders", {"type": "ByteFallback"}, metaspace(**settings))}


def split(pattern, behavior, **settings):
    return {"normalizer": None, "pre_tokenizer": dict(
        {"type": "Split", "pattern": pattern, "behavior": behavior}, **settings)}


def decoders(*parts):
    return {"decoder": sequence("decoders", *parts)}


def added(content, **flags):
    token = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"added_tokens": [dict(token, content=content, **flags)]}


def strip(start, stop):
    return {"type": "Strip", "content": " ", "start": start, "stop": stop}


# What is changed in the SentencePiece-style tokenizer of tests/data; "added_tokens" are appended,
# "model" is changed in part.
CHANGES = [
    {},
    {"model": {"byte_fallback": False}},
    {"model": {"byte_fallback": False, "fuse_unk": False}},
    {"model": {"byte_fallback": False, "unk_token": None}},
    {"model": {"ignore_merges": True}},
    {"normalizer": None},
    normalizers(SPACES),
    normalizers({"type": "Strip", "strip_left": True, "strip_right": False}, PREPEND, SPACES),
    normalizers({"type": "NFKC"}, {"type": "Lowercase"}, PREPEND, SPACES),
    normalizers({"type": "NFD"}, SPACES),
    normalizers({"type": "NFKD"}, {"type": "NFC"}),
    normalizers({"type": "Replace", "pattern": {"Regex": " {2,}|\\n"}, "content": " "}, SPACES),
    normalizers({"type": "Replace", "pattern": {"String": "the"}, "content": ""}, PREPEND),
    words(prepend_scheme="always"),
    words(prepend_scheme="first"),
    words(prepend_scheme="never"),
    words(prepend_scheme="first", split=False),
    words(add_prefix_space=True),
    dict(words(prepend_scheme="first"), normalizer={
        "type": "Strip", "strip_left": True, "strip_right": True}),
    {"normalizer": None, "pre_tokenizer": sequence(
        "pretokenizers", {"type": "Digits", "individual_digits": True}, metaspace())},
    {"pre_tokenizer": {"type": "Digits", "individual_digits": False}},
    split({"String": " "}, "MergedWithPrevious", invert=False),
    split({"Regex": "\\p{L}+"}, "Contiguous", invert=True),
    decoders({"type": "Replace", "pattern": {"Regex": WORD + "+"}, "content": " "},
             {"type": "ByteFallback"}),
    decoders(strip(1, 0), {"type": "ByteFallback"}, {"type": "Fuse"}, strip(3, 0)),
    decoders({"type": "Fuse"}),
    added(" x", normalized=True),
    added("the", single_word=True, special=True),
    added("the", single_word=True, normalized=True),
    added("\u00e9", lstrip=True, normalized=True, special=True),
    added("  ", rstrip=True),
    added("a", rstrip=True, lstrip=True, special=True),
]


def changed(base, change):
    tokenizer = json.loads(json.dumps(base))
    for name, value in change.items():
        if name == "model":
            tokenizer["model"].update(value)
        elif name != "added_tokens":
            tokenizer[name] = value
    for token in change.get("added_tokens", []):
        known = tokenizer["model"]["vocab"].get(token["content"], 504)
        tokenizer["added_tokens"].append(dict(token, id=known))
    return tokenizer


def texts():
    """The vectors' own, and random ones of white space, words, special tokens and characters."""
    draw = random.Random(7)
    with open(os.path.join(DATA, "phi3", "vectors.json"), encoding="utf-8") as file:
        known = [vector["text"] for vector in json.load(file)["vectors"]]
    parts = [" ", "  ", "\n", "\t", "\u00a0", "\u3000", WORD, WORD * 2, "the", "The", "a", "x", "12",
             "<s>", "</s>", "<|end|>", "<|user|>", "<0x0A>", "\u00e9", "e\u0301", "\u4eca",
             "\uac00", "\U0001f600", "\u0130", "\ufb01", "\u03a3", "caf\u00e9", "'s"]
    made = ["".join(draw.choice(parts) for _ in range(draw.randrange(1, 12))) for _ in range(300)]
    return known + made


def vector(tokenizer, text):
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return {"text": text, "ids": ids, "ids_specials_as_text": plain,
            "ids_with_special_prefix": tokenizer.encode(text).ids,
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True)}


def main(program):
    failed = 0
    with open(os.path.join(DATA, "phi3", "tokenizer.json"), encoding="utf-8") as file:
        base = json.load(file)
    for change in CHANGES:
        with tempfile.TemporaryDirectory() as here:
            path = os.path.join(here, "tokenizer.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(changed(base, change), file)
            theirs = Tokenizer.from_file(path)
            vectors = os.path.join(here, "vectors.json")
            with open(vectors, "w", encoding="utf-8") as file:
                json.dump({"vectors": [vector(theirs, text) for text in texts()]}, file)
            result = subprocess.run([program, here, vectors], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, check=False)
            if result.returncode != 0:
                failed += 1
                print("%s:\n%s" % (json.dumps(change), result.stdout[-3000:]))
    print("%d tokenizers, %d differ" % (len(CHANGES), failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
