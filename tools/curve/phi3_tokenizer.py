#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: phi3_tokenizer.py LLAMA2 OUT

Makes the tokenizer of Phi-3-mini, which no package registry has, from that of Llama-2: the vocabulary
and the merges are the same, behind them come eleven special tokens that swallow the white space after
them, and no text begins with <s>. LLAMA2 holds Llama-2's tokenizer.json and tokenizer_config.json.
"""
import json
import pathlib
import sys

SPECIAL = ["<|endoftext|>", "<|assistant|>", "<|placeholder1|>", "<|placeholder2|>",
           "<|placeholder3|>", "<|placeholder4|>", "<|system|>", "<|end|>", "<|placeholder5|>",
           "<|placeholder6|>", "<|user|>"]


def main(source, target):
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    config = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    for token in tokenizer["added_tokens"]:
        if token["content"] == "</s>":
            token.update(rstrip=True, special=False)
    for number, text in enumerate(SPECIAL):
        tokenizer["added_tokens"].append({
            "id": 32000 + number, "content": text, "single_word": False, "lstrip": False,
            "rstrip": text != "<|endoftext|>", "normalized": False, "special": True})
    first, second = ({"Sequence": {"id": name, "type_id": k}} for k, name in enumerate("AB"))
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing", "single": [first], "pair": [first, second],
        "special_tokens": {}}
    config["added_tokens_decoder"] = {
        str(token.pop("id")): token for token in map(dict, tokenizer["added_tokens"])}
    config.update(add_bos_token=False, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    target.mkdir(parents=True, exist_ok=True)
    for name, value in (("tokenizer.json", tokenizer), ("tokenizer_config.json", config)):
        (target / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    main(*map(pathlib.Path, sys.argv[1:]))
