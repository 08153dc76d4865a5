# SPDX-License-Identifier: Apache-2.0
"""The same run by lewin train and by transformers' Trainer, from the same start in fp32 on the CPU: step
by step the same losses, gradient norms, learning rates, epochs and measurements, the same checkpoints,
and a trainer_state.json that transformers loads; also with examples in packs. Skipped where this Python has no transformers or
accelerate.
"""
import bisect
import json
import math
import os
from dataclasses import fields

from lewin_test import check, finish, folder, run, skip
from training import make_base, make_data, train

os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import accelerate  # the Trainer does not work without
    import numpy
    import torch
    from tokenizers import Tokenizer
    from transformers import (AutoModelForCausalLM, Seq2SeqTrainingArguments, Trainer, TrainerState,
                              TrainingArguments)
except ImportError as reason:
    skip("no transformers to train beside: %s" % reason)

# Keys that both sides take. What is below 1 in them is a share of the run.
RUNS = (
    {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "num_train_epochs": 2.5,
     "learning_rate": 1e-3, "lr_scheduler_type": "cosine", "warmup_steps": 0.2,
     "weight_decay": 0.01, "logging_steps": 2, "logging_first_step": True, "eval_strategy": "steps",
     "eval_steps": 5, "save_strategy": "epoch", "seed": 42, "per_device_eval_batch_size": 2},
    {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 2, "max_steps": 17,
     "learning_rate": 5e-4, "lr_scheduler_type": "cosine_with_min_lr",
     "lr_scheduler_kwargs": {"min_lr_rate": 0.2}, "warmup_steps": 3, "weight_decay": 0.1,
     "adam_beta2": 0.95, "max_grad_norm": 0.0, "logging_steps": 0.3, "eval_strategy": "epoch",
     "eval_delay": 1, "eval_on_start": True, "save_strategy": "steps", "save_steps": 8.0, "seed": 7,
     "data_seed": 11, "per_device_eval_batch_size": 8},
    {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 3, "num_train_epochs": 2,
     "learning_rate": 1e-3, "lr_scheduler_type": "polynomial", "warmup_steps": 2,
     "logging_steps": 1, "eval_strategy": "steps", "eval_steps": 3, "save_strategy": "no",
     "seed": 5, "per_device_eval_batch_size": 2},
)
# Keys of LLaMA-Factory, in the same order: its packs are made here as it makes them.
FACTORY = ({}, {}, {"neat_packing": True, "cutoff_len": 300, "preprocessing_batch_size": 20,
                    "preprocessing_num_workers": 1})
VAL_SIZE = 0.1
# Times, counts that include padding, Lewin's own, and what tells of the checkpoint that transformers
# writes at the end of a run by steps, where Lewin has the model alone.
DIFFERENT = {"eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "eval_token_loss",
             "train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos",
             "num_input_tokens_seen", "log_history", "stateful_callbacks"}


def encode(tokenizer, record):
    """LLaMA-Factory's template qwen, each element by itself."""
    def ids(text):
        return tokenizer.encode(text, add_special_tokens=False).ids
    tokens, labels = ids("<|im_start|>system\n%s<|im_end|>\n" % record["system"]), []
    turns = [message["value"] for message in record["conversations"]]
    for question, answer in zip(turns[::2], turns[1::2]):
        tokens += ids("<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n" % question)
        labels += [-100] * (len(tokens) - len(labels))
        tokens += ids(answer + "<|im_end|>\n")
        labels += tokens[len(labels):]
    return {"input_ids": tokens, "labels": labels}


def pack(rows, capacity):
    """Greedy: one pack after another, each with the longest that still fits, the last of equals."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    lengths, packs = [len(rows[i]["input_ids"]) for i in order], []
    while order:
        packed, room = {"input_ids": [], "labels": [], "position_ids": [], "parts": []}, capacity
        while bisect.bisect(lengths, room):
            at = bisect.bisect(lengths, room) - 1
            room -= lengths.pop(at)
            row = rows[order.pop(at)]
            packed["input_ids"] += row["input_ids"]
            packed["labels"] += row["labels"]
            packed["position_ids"] += range(len(row["input_ids"]))
            packed["parts"] += [len(packed["parts"])] * len(row["input_ids"])
        packs.append(packed)
    return packs


def collate_packs(rows):
    longest = max(len(row["input_ids"]) for row in rows)
    batch = {key: torch.tensor([row[key] + [value] * (longest - len(row[key])) for row in rows])
             for key, value in (("input_ids", 0), ("labels", -100), ("position_ids", 0),
                                ("parts", -1))}
    parts = batch.pop("parts")
    seen = (parts[:, :, None] == parts[:, None, :]) & torch.ones(longest, longest).tril().bool()
    batch["attention_mask"] = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]
    return batch


def collate(rows):
    longest = max(len(row["input_ids"]) for row in rows)
    longest = (longest + 7) // 8 * 8

    def padded(key, value):
        return torch.tensor([row[key] + [value] * (longest - len(row[key])) for row in rows])
    mask = [[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows]
    return {"input_ids": padded("input_ids", 0), "labels": padded("labels", -100),
            "attention_mask": torch.tensor(mask)}


def train_theirs(base, data, output, keys, factory):
    tokenizer = Tokenizer.from_file(os.path.join(base, "tokenizer.json"))
    with open(data) as file:
        rows = [encode(tokenizer, record) for record in json.load(file)]
    # datasets' train_test_split.
    order = numpy.random.default_rng(keys["seed"]).permutation(len(rows))
    held_out = math.ceil(VAL_SIZE * len(rows))
    parts = [[rows[i] for i in order[held_out:]], [rows[i] for i in order[:held_out]]]
    if factory:
        size = factory["preprocessing_batch_size"]
        parts = [sum((pack(part[i:i + size], factory["cutoff_len"] - 1)
                      for i in range(0, len(part), size)), []) for part in parts]
    arguments = TrainingArguments(
        output_dir=output, use_cpu=True, report_to="none", remove_unused_columns=False,
        disable_tqdm=True, optim="adamw_torch", **keys)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32,
                                                 attn_implementation="eager")
    trainer = Trainer(model=model, args=arguments,
                      data_collator=collate_packs if factory else collate, train_dataset=parts[0],
                      eval_dataset=parts[1])
    trainer.train()
    trainer.save_state()


def train_ours(base, data, output, keys):
    recipe = output + ".yaml"
    with open(recipe, "w") as file:
        for key, value in {**keys, "model_name_or_path": base, "dataset": data, "template": "qwen",
                           "output_dir": output, "val_size": VAL_SIZE, "bf16": False}.items():
            file.write("%s: %s\n" % (key, json.dumps(value)))
    train(recipe)


def read_state(output):
    with open(os.path.join(output, "trainer_state.json")) as file:
        return json.load(file)


def compare(ours, theirs, what):
    state, expected = read_state(ours), read_state(theirs)
    check(set(state) == set(expected), "%s: the keys of trainer_state.json" % what)
    for key in set(expected) - DIFFERENT:
        check(state[key] == expected[key], "%s: %s: %s, theirs %s"
              % (what, key, state[key], expected[key]))
    # Lewin logs what is left at the end too, which transformers does not.
    logged = {(entry["step"], "loss" in entry, "eval_loss" in entry): entry
              for entry in state["log_history"]}
    worst = {}
    for entry in expected["log_history"]:
        mine = logged.get((entry["step"], "loss" in entry, "eval_loss" in entry))
        check(mine is not None and set(entry) <= set(mine), "%s: %s, theirs %s" % (what, mine, entry))
        for key in set(entry) - DIFFERENT if mine else ():
            difference = abs(mine[key] - entry[key]) / max(abs(entry[key]), 1e-12)
            worst[key] = max(worst.get(key, 0), difference)
    print("%s: largest relative differences: %s" % (what, worst))
    check(worst["step"] == 0 and worst["epoch"] < 1e-15 and worst["learning_rate"] < 1e-14,
          "%s: steps, epochs and learning rates" % what)
    for key in ("loss", "eval_loss", "grad_norm", "train_loss"):
        check(worst[key] < 2e-5, "%s: %s differs by %g" % (what, key, worst[key]))
    folders = [sorted(name for name in os.listdir(output) if name.startswith("checkpoint-"))
               for output in (ours, theirs)]
    check(set(folders[0]) <= set(folders[1]), "%s: checkpoints: %s, theirs %s" % (what, *folders))
    for name in folders[0]:
        loaded = TrainerState.load_from_json(os.path.join(ours, name, "trainer_state.json"))
        check(loaded.global_step == int(name.split("-")[1]) and loaded.log_history,
              "%s: transformers loads the state in %s" % (what, name))


def check_keys():
    """Every argument of the Trainer is used, has no effect, or is refused."""
    known = set(run("train", "--keys").stdout.replace(",", " ").replace(":", " ").split())
    theirs = {field.name for field in fields(Seq2SeqTrainingArguments) if field.init}
    check(theirs <= known, "keys that lewin train does not know: %s" % sorted(theirs - known))


check_keys()
with folder() as here:
    base = make_base(os.path.join(here, "base"))
    data = make_data(os.path.join(here, "data.json"), 43)
    for number, (keys, factory) in enumerate(zip(RUNS, FACTORY)):
        ours, theirs = (os.path.join(here, "%s%d" % (side, number)) for side in ("ours", "theirs"))
        train_ours(base, data, ours, {**keys, **factory})
        train_theirs(base, data, theirs, keys, factory)
        compare(ours, theirs, "run %d" % number)
finish()
