# SPDX-License-Identifier: Apache-2.0
"""lewin merge of a recipe with tokenizer_source: which rows of embedding and head come out, under which
tokens, and the files that go with them."""
import json
import os

import model_folder
from lewin_test import check, check_fails, finish, folder, run

# Tokens in the order of their ids; behind them rows that belong to none.
FIRST = ["a", "b", "c", "<s>"]
OTHER = ["<s>", "c", "d", "b", "<x>", "e"]
ROWS = {"first": 6, "other": 6}
COLUMNS = 8
MATRICES = ("model.embed_tokens.weight", "lm_head.weight")


def row(model, matrix, index):
    """All elements of a row are the same number, which bf16 holds."""
    return (64 if model == "other" else 0) + (32 if matrix == "lm_head.weight" else 0) + index


def make_model(path, name, tokens):
    tensors = {"model.norm.weight": ("BF16", [COLUMNS], model_folder.encode("BF16", [1.0] * COLUMNS))}
    for matrix in MATRICES:
        values = [float(row(name, matrix, i)) for i in range(ROWS[name]) for _ in range(COLUMNS)]
        tensors[matrix] = ("BF16", [ROWS[name], COLUMNS], model_folder.encode("BF16", values))
    model_folder.write(path, tensors, vocab_size=ROWS[name], tie_word_embeddings=False)
    added = [{"id": i, "content": token, "special": True} for i, token in enumerate(tokens)
             if token.startswith("<")]
    with open(path + "/tokenizer.json", "w") as file:
        json.dump({"version": "1.0", "added_tokens": added, "model": {
            "type": "BPE", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}}, file)
    with open(path + "/tokenizer_config.json", "w") as file:
        json.dump({"eos_token": tokens[0], "made_by": name}, file)
    return path


def merge(work, source, out, extra=""):
    with open(work + "/recipe.yml", "w") as file:
        file.write("merge_method: linear\nbase_model: %s/first\nmodels:\n"
                   "  - {model: %s/first, parameters: {weight: 0.25}}\n"
                   "  - {model: %s/other, parameters: {weight: 0.75}}\n"
                   "dtype: float32\ntokenizer_source: %s\n%s" % (work, work, work, source, extra))
    return run("merge", work + "/recipe.yml", "-o", work + "/" + out)


def vocabulary(path):
    """Tokens by id, as the merged tokenizer.json has them."""
    tokenizer = json.load(open(path + "/tokenizer.json"))
    tokens = {i: token for token, i in tokenizer["model"]["vocab"].items()}
    tokens.update({token["id"]: token["content"] for token in tokenizer["added_tokens"]})
    return tokens


def check_rows(path, what):
    """Every token's row is the weighted mean of the models' own rows; a model that lacks it is stood in
    for by the other."""
    tokens, tensors = vocabulary(path), model_folder.read(path)
    for matrix in MATRICES:
        dtype, shape, data = tensors[matrix]
        values = model_folder.decode(dtype, data)
        check(json.load(open(path + "/config.json"))["vocab_size"] == shape[0] and shape[1] == COLUMNS,
              what + ": vocab_size and rows agree")
        for index, token in tokens.items():
            first, other = (row(name, matrix, list_.index(token)) if token in list_ else None
                            for name, list_ in (("first", FIRST), ("other", OTHER)))
            first, other = (other if first is None else first), (first if other is None else other)
            wanted = 0.25 * first + 0.75 * other
            check(values[index * COLUMNS:(index + 1) * COLUMNS] == [wanted] * COLUMNS,
                  "%s: %s of %s is %s, not %s" % (what, matrix, token, values[index * COLUMNS], wanted))


with folder() as work:
    make_model(work + "/first", "first", FIRST)
    make_model(work + "/other", "other", OTHER)
    wanted = {"base": FIRST, "union": FIRST + ["d", "<x>", "e"], work + "/other": OTHER}
    for number, (source, tokens) in enumerate(wanted.items()):
        out = "out%d" % number
        result = merge(work, source, out)
        check(result.returncode == 0, source, result)
        check(set(vocabulary(work + "/" + out).values()) == set(tokens), source + ": its tokens")
        check_rows(work + "/" + out, source)
        made_by = json.load(open(work + "/" + out + "/tokenizer_config.json"))["made_by"]
        check(made_by == ("other" if source.endswith("other") else "first"), source + ": its settings")
        again = run("merge", "--verify", work + "/" + out)
        check(again.returncode == 0 and "elements are the same" in again.stdout, "merged again", again)
    base = vocabulary(work + "/out0")
    check([base[i] for i in range(len(FIRST))] == FIRST, "the base's ids stay")
    shape = model_folder.read(work + "/out0")["lm_head.weight"][1]
    check(shape == [6, COLUMNS], "padding of the base is not cut")
    padded = merge(work, "union", "padded", "tokenizer: {source: union, pad_to_multiple_of: 16}\n")
    check(padded.returncode != 0 and "tokenizer_source" in padded.stderr, "one of the two keys", padded)
    with open(work + "/recipe.yml") as file:
        text = file.read().replace("tokenizer_source: union\n", "")
    with open(work + "/recipe.yml", "w") as file:
        file.write(text)
    padded = run("merge", work + "/recipe.yml", "-o", work + "/padded")
    check(padded.returncode == 0
          and model_folder.read(work + "/padded")["lm_head.weight"][1] == [16, COLUMNS], "padded", padded)
    os.remove(work + "/other/tokenizer.json")
    check_fails(merge(work, "union", "none"), 3, "other", "tokenizer.json")
    check(not os.path.exists(work + "/none"), "nothing was written")
finish()
