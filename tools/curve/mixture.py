#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: mixture.py DATA OUT

Makes a folder for `dataset_dir` from LLaMA-Factory's sample files alpaca_en_sharegpt.json and
identity.json in the folder DATA, with a dataset_info.json of three datasets that differ in all that an
entry may say: `alpaca` (ShareGPT, 500 of its records drawn), `identity` (alpaca columns, more drawn
than there are) and `turns` (JSON Lines under other column and tag names: conversations of one to four
exchanges, some with a system prompt, every third answer with a thought).
"""
import json
import pathlib
import shutil
import sys

INFO = {
    "alpaca": {"file_name": "alpaca_en_sharegpt.json", "formatting": "sharegpt", "num_samples": 500},
    "identity": {"file_name": "identity.json", "num_samples": 120},
    "turns": {
        "file_name": "turns.jsonl", "formatting": "sharegpt",
        "columns": {"messages": "talk", "system": "rule"},
        "tags": {"role_tag": "who", "content_tag": "text", "user_tag": "user",
                 "assistant_tag": "assistant", "system_tag": "system"}},
}


def make_turns(records):
    texts = [message["value"][:120] for record in records for message in record["conversations"]]
    at = number = 0
    while at < len(texts):
        messages = []
        for k, text in enumerate(texts[at : at + 2 * (number % 4 + 1)]):
            thought = f"<think>\n{text[:30]}\n</think>\n\n" if k % 2 and (number + k) % 3 == 0 else ""
            messages.append({"who": ("user", "assistant")[k % 2], "text": thought + text})
        at += len(messages)
        if number % 5 == 1:
            messages.insert(0, {"who": "system", "text": "Be short."})
        yield {"talk": messages, "rule": "Be kind." if number % 5 == 2 else None}
        number += 1


def main(data, out):
    out.mkdir(parents=True, exist_ok=True)
    for name in ("alpaca_en_sharegpt.json", "identity.json"):
        shutil.copyfile(data / name, out / name)
    records = json.loads((data / "alpaca_en_sharegpt.json").read_text(encoding="utf-8"))
    lines = (json.dumps(x, ensure_ascii=False) + "\n" for x in make_turns(records))
    (out / "turns.jsonl").write_text("".join(lines), encoding="utf-8")
    (out / "dataset_info.json").write_text(json.dumps(INFO, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    main(*map(pathlib.Path, sys.argv[1:]))
