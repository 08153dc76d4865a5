# SPDX-License-Identifier: Apache-2.0
"""lewin data show --ids beside Hugging Face's tokenizers: ids and labels of conversations with tools,
as LLaMA-Factory's templates (tests/data/chat_templates/make_elements.py), truncation and mask make
them. Skipped where this Python has no tokenizers or the shared data is absent.
"""
import datetime
import json
import os
import sys

from lewin_test import check, finish, run, skip

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "data", "chat_templates"))
import make_elements

SHARED = os.environ.get("LEWIN_SHARED", "")
DATA = os.path.join(SHARED, "data", "glaive_toolcall_en_demo.json")
try:
    from tokenizers import AddedToken, Tokenizer
except ImportError as reason:
    skip("no tokenizers to compare with: %s" % reason)
if not os.path.isfile(DATA):
    skip("no shared data at %s" % DATA)

ROLES = {"human": "user", "gpt": "assistant", "observation": "observation",
         "function_call": "function_call"}
# template, tokenizer, the stop word that becomes its end of a sequence, options
RUNS = (("qwen", "qwen2", None, {}), ("qwen3", "qwen3", None, {}),
        ("qwen3", "qwen3", None, {"enable_thinking": False}),
        ("qwen3", "qwen3", None, {"enable_thinking": None, "mask_history": True}),
        ("llama3", "llama3", None, {}), ("phi", "phi3", "<|end|>", {}),
        ("phi4_mini", "phi3", "<|end|>", {}), ("llama2", "phi3", None, {}),
        ("mistral", "phi3", None, {"mask_history": True}), ("default", "qwen2", None, {}))
LIMITS = (60, 200, 500, 5000)


class Encoder:
    def __init__(self, name, stop_word):
        folder = os.path.join(SHARED, "fixtures", "tokenizers", name)
        self.folder = folder
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        with open(os.path.join(folder, "tokenizer_config.json")) as file:
            config = json.load(file)
        self.special = {"bos": config.get("bos_token"), "eos": config.get("eos_token")}
        if stop_word:
            self.tokenizer.add_special_tokens([AddedToken(stop_word, normalized=False, special=True)])

    def ids(self, elements):
        found = []
        for element in elements:
            if isinstance(element, dict):
                token = self.special[element["token"]]
                found += [self.tokenizer.token_to_id(token)] if token else []
            else:
                found += self.tokenizer.encode(element, add_special_tokens=False).ids
        return found


def kept(source, target, room):
    if target * 2 < room:
        most = room
    elif source * 2 < room:
        most = room - source
    else:
        most = int(room * (target / (source + target)))
    target = min(most, target)
    return min(max(room - target, 0), source), target


def example(encoder, template, options, record, limit):
    """Pairs of id and whether it is learned."""
    messages = [[ROLES[turn["from"]], turn["value"]] for turn in record["conversations"]]
    turns = make_elements.multi_turn(
        make_elements.TEMPLATES[template], options, None, record["tools"], messages)
    masks = options.get("mask_history", False)
    tokens = []
    for i, turn in enumerate(turns[::-1] if masks else turns):
        if len(tokens) >= limit:
            break
        source, target = (encoder.ids(part) for part in turn)
        read, learned = kept(len(source), len(target), limit - len(tokens))
        piece = [(token, False) for token in source[:read]]
        piece += [(token, not masks or i == 0) for token in target[:learned]]
        tokens = piece + tokens if masks else tokens + piece
    return tokens


def shown(encoder, template, options, index, limit):
    flags = ["--mask-history"] if options.get("mask_history") else []
    if "enable_thinking" in options:
        flags += ["--enable-thinking", json.dumps(options["enable_thinking"])]
    done = run("data", "show", encoder.folder, DATA, "--template", template, "--index", index, "--ids",
               "--cutoff-len", limit, *flags)
    check(done.returncode == 0, "data show", done)
    lines = done.stdout.split("\n\n")[0].split("\n")
    # Place, id, two spaces, the token; a learned one in brackets.
    return [(int(line[7:14]), line[16:17] == "[" and line.endswith("]")) for line in lines]


with open(DATA) as file:
    records = json.load(file)
make_elements.DATE = datetime.datetime.now().strftime("%d %b %Y")
for number, (template, tokenizer, stop_word, options) in enumerate(RUNS):
    encoder = Encoder(tokenizer, stop_word)
    for index in range(number, len(records), 30):
        limit = LIMITS[index // 30 % len(LIMITS)]
        expected = example(encoder, template, options, records[index], limit)
        check(shown(encoder, template, options, index, limit) == expected,
              "%s %s, record %d in %d tokens" % (template, options, index, limit))
finish()
