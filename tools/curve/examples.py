# SPDX-License-Identifier: Apache-2.0
"""From the files that a recipe names to token ids and labels, as LLaMA-Factory makes them: written from
its sources and not from Lewin's. Called by compare_curve.py.
"""
import json
import math
import pathlib
import re
import sys

import numpy
from tokenizers import AddedToken, Tokenizer

NOT_TRAINED = -100
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"
CHATML = {
    "system": "<|im_start|>system\n{}<|im_end|>\n",
    "user": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "assistant": "{}<|im_end|>\n",
    "stop": "<|im_end|>",
}
TEMPLATES = {
    "qwen": CHATML | {
        "default": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
    "qwen3": CHATML | {"thinks": True},
    "qwen3_nothink": CHATML,
    "llama3": {
        "begin": "<|begin_of_text|>",
        "system": "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>",
        "user": "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
                "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "assistant": "{}<|eot_id|>",
        "stop": "<|eot_id|>",
    },
    "phi": {
        "system": "<|system|>\n{}<|end|>\n",
        "user": "<|user|>\n{}<|end|>\n<|assistant|>\n",
        "assistant": "{}<|end|>\n",
        "stop": "<|end|>",
    },
}


# --- Files, and the mixture of them ---------------------------------------------------------------

def read_file(path):
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("{"):
        return [json.loads(line) for line in text.splitlines() if line]
    return json.loads(text)


def from_sharegpt(record, entry):
    """A record as (system, [(role, text)...])."""
    columns = {"messages": "conversations", "system": "system", "tools": "tools"}
    columns |= entry.get("columns", {})
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human",
            "assistant_tag": "gpt", "system_tag": "system"} | entry.get("tags", {})
    messages = [(m[tags["role_tag"]], m[tags["content_tag"]]) for m in record[columns["messages"]]]
    system = record.get(columns["system"])
    if messages[0][0] == tags["system_tag"]:
        system = messages.pop(0)[1]
    plain = [tags["user_tag"], tags["assistant_tag"]] * (len(messages) // 2)
    if [role for role, _ in messages] != plain or record.get(columns["tools"]):
        sys.exit(f"only plain conversations are compared, not {json.dumps(record)[:200]}")
    return system, [text for _, text in messages]


def from_alpaca(record, entry):
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    columns |= entry.get("columns", {})
    texts = [text for pair in record.get(columns.get("history")) or [] for text in pair]
    asked = [record.get(columns[name]) for name in ("prompt", "query")]
    texts += ["\n".join(part for part in asked if part), record[columns["response"]]]
    return record.get(columns.get("system")), texts


def read_datasets(recipe):
    """The conversations of each dataset, num_samples and max_samples taken."""
    folder = pathlib.Path(recipe.get("dataset_dir") or "")
    table = folder / "dataset_info.json"
    info = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else {}
    names = recipe["dataset"]
    draws = numpy.random.RandomState(recipe["seed"])  # numpy's own generator, as set_seed leaves it
    for name in names if isinstance(names, list) else str(names).split(","):
        entry = info.get(name.strip(), {"file_name": name.strip(), "formatting": "sharegpt"})
        convert = from_sharegpt if entry.get("formatting") == "sharegpt" else from_alpaca
        records = read_file(folder / entry["file_name"])
        wanted = entry.get("num_samples")
        if wanted is not None:
            rows = draws.permutation(len(records))[:wanted]
            if len(rows) < wanted:
                more = draws.choice(len(records), wanted - len(rows))
                rows = numpy.concatenate((rows, more))
            records = [records[row] for row in rows]
        yield [convert(record, entry) for record in records[: recipe.get("max_samples") or None]]


def interleave(counts, strategy, shares, seed):
    """Pairs (dataset, row) in the order of datasets.interleave_datasets."""
    enough = any if strategy == "interleave_under" else all
    if not shares:
        rows = range(min(counts) if enough is any else max(counts))
        return [(k, row % count) for row in rows for k, count in enumerate(counts)]
    generator = numpy.random.default_rng(seed)
    taken, order, at = [False] * len(counts), [], [0] * len(counts)
    while True:
        for k in map(int, generator.choice(len(counts), size=1000, p=shares)):
            if enough(taken):
                return order
            order.append((k, at[k]))
            at[k] += 1
            if at[k] == counts[k]:
                taken[k], at[k] = True, 0


def mix(datasets, recipe):
    strategy = recipe.get("mix_strategy") or "concat"
    if strategy == "concat" or len(datasets) == 1:
        return [record for dataset in datasets for record in dataset]
    shares = recipe.get("interleave_probs")
    if isinstance(shares, str):
        shares = [float(share) for share in shares.split(",")]
    order = interleave([len(x) for x in datasets], strategy, shares, recipe["seed"])
    return [datasets[k][row] for k, row in order]


# --- Conversations to token ids -------------------------------------------------------------------

def open_tokenizer(folder, template):
    """tokenizer.json as it is, but for the stop word, which becomes the end of the sequence and with
    that a special token of plain flags (of Phi-3's it takes rstrip away)."""
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    if tokenizer.token_to_id(template["stop"]) is None:
        sys.exit(f"{folder}: the tokenizer has no {template['stop']}")
    tokenizer.add_special_tokens([AddedToken(template["stop"], special=True, normalized=False)])
    return tokenizer


def remove_thought(text):
    return re.sub(r"<think>\n(.*?)\n</think>\n\n", "", text, flags=re.S).lstrip("\n")


def place_thoughts(turns, texts, empty, recipe):
    """The empty thought of answers without one: learned, or without thinking read. mask_history
    leaves thoughts, empty or not, to the last turn."""
    thinks, placed = recipe.get("enable_thinking", True), []
    for number, (source, target) in enumerate(turns):
        answer = texts[2 * number + 1]
        last = number == len(turns) - 1
        if "<think>" in answer or "</think>" in answer or (recipe["mask_history"] and not last):
            placed.append((source, target))
        elif thinks:
            placed.append((source, empty + target))
        else:
            placed.append((source + empty, target))
    return placed


def encode(tokenizer, template, conversation, recipe):
    """Pairs of ids (prompt, response). Every element of the template is encoded by itself, so that
    no merge crosses a border between them."""
    def ids(name, text):
        whole = template[name].replace("{}", text, 1)
        return tokenizer.encode(whole, add_special_tokens=False).ids

    system, texts = conversation
    texts = list(texts)
    if template.get("thinks"):
        none = not recipe.get("enable_thinking", True)
        for k in range(1, len(texts), 2):
            if none or (recipe["mask_history"] and k < len(texts) - 1):
                texts[k] = remove_thought(texts[k])
    turns = []
    for prompt, response in zip(texts[::2], texts[1::2]):
        begin = []
        if not turns:
            if "begin" in template:
                begin.append(tokenizer.token_to_id(template["begin"]))
            system = system or template.get("default")
            begin += ids("system", system) if system else []
        turns.append((begin + ids("user", prompt), ids("assistant", response)))
    if template.get("thinks"):
        empty = tokenizer.encode(EMPTY_THOUGHT, add_special_tokens=False).ids
        turns = place_thoughts(turns, texts, empty, recipe)
    return turns


# --- Token ids to examples ------------------------------------------------------------------------

def kept_lengths(source, target, room):
    """LLaMA-Factory's infer_seqlen: how much of a turn is kept of what is left of cutoff_len."""
    if target * 2 < room:
        most = room
    elif source * 2 < room:
        most = room - source
    else:
        most = int(room * (target / (source + target)))
    target = min(most, target)
    return min(max(room - target, 0), source), target


def make_example(turns, recipe):
    """Token ids and labels of a conversation, cut to cutoff_len."""
    last_only, ids, labels = recipe["mask_history"], [], []
    for number, (source, target) in enumerate(reversed(turns) if last_only else turns):
        if len(ids) >= recipe["cutoff_len"]:
            break
        kept = kept_lengths(len(source), len(target), recipe["cutoff_len"] - len(ids))
        source, target = source[: kept[0]], target[: kept[1]]
        asked = source if recipe["train_on_prompt"] else [NOT_TRAINED] * len(source)
        given = [NOT_TRAINED] * len(target) if last_only and number else target
        if last_only:
            ids, labels = source + target + ids, asked + given + labels
        else:
            ids, labels = ids + source + target, labels + asked + given
    return ids, labels


def load_examples(recipe):
    """The examples to train on, in the order of their mixture, and the held-out ones."""
    if recipe["template"] not in TEMPLATES:
        sys.exit(f"the template {recipe['template']} is not compared")
    template = TEMPLATES[recipe["template"]]
    tokenizer = open_tokenizer(recipe["model_name_or_path"], template)
    conversations = mix(list(read_datasets(recipe)), recipe)
    examples = [make_example(encode(tokenizer, template, x, recipe), recipe) for x in conversations]
    share = recipe["val_size"]
    if not share:
        return examples, []
    # datasets.train_test_split
    order = numpy.random.default_rng(recipe["seed"]).permutation(len(examples))
    held_out = int(share) if share >= 1 else math.ceil(share * len(examples))
    return [examples[i] for i in order[held_out:]], [examples[i] for i in order[:held_out]]
