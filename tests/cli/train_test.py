# SPDX-License-Identifier: Apache-2.0
"""lewin train: what a run prints and writes, and that its numbers do not depend on how the work is
cut into pieces.
"""
import json
import os
import xml.dom.minidom

import model_folder
from lewin_test import check, check_fails, finish, folder, run
from training import (REPORTS, check_same, distance, losses, make_base, make_data, make_recipe, read_log,
                      train)

LOG_KEYS = {"current_steps", "total_steps", "loss", "grad_norm", "lr", "epoch", "percentage",
            "elapsed_time", "remaining_time", "throughput", "total_tokens"}
SIDE_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
              "special_tokens_map.json")


def read(*parts):
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


def check_screen(printed):
    for part in ("data      24 examples", "million parameters", "memory\n", "AdamW moments",
                 "free on the device", "it fits", "step 12/12", "tokens/s"):
        check(part in printed.stdout, "%r is printed" % part, printed)
    check("\r" not in printed.stdout and "\x1b" not in printed.stdout,
          "plain lines where there is no terminal", printed)
    steps = [line for line in printed.stdout.splitlines() if line.startswith("step ")]
    check(len(steps) == 12, "a line for each line of the log", printed)


def check_log(output):
    *log, end = read_log(output)
    check(len(log) == 12 and all(set(entry) == LOG_KEYS for entry in log), "the log's keys")
    check(set(end) == LOG_KEYS - {"loss", "grad_norm", "lr"} and end["current_steps"] == 12,
          "its last line has no loss")
    check([entry["current_steps"] for entry in log] == list(range(1, 13)), "the log's steps")
    check(log[0]["lr"] == 0 and abs(log[3]["lr"] - 0.01) < 1e-12, "warm-up, then the peak")
    check(log[5]["epoch"] == 1 and log[11]["percentage"] == 100, "epoch and percentage")
    check(all(a["total_tokens"] < b["total_tokens"] for a, b in zip(log, log[1:])), "tokens add up")


def check_output(base, output):
    names = set(os.listdir(output))
    check(names == {"model.safetensors", *REPORTS, "checkpoint-4", "checkpoint-8", "checkpoint-12", *SIDE_FILES},
          "what the output folder holds: %s" % sorted(names))
    for name in SIDE_FILES:
        check(read(base, name) == read(output, name), "%s is carried over" % name)
    before = model_folder.read(base)
    after = model_folder.read(output)
    check(list(before) == list(after), "the same tensors in the same order")
    check(all(before[name][:2] == after[name][:2] for name in before), "of the same types and shapes")
    check(all(before[name][2] != after[name][2] for name in before), "every tensor was trained")
    check(read(output, "model.safetensors") == read(output, "checkpoint-12", "model.safetensors"),
          "the model is that of the last checkpoint")
    drawing = xml.dom.minidom.parseString(read(output, "training_loss.svg"))
    check(drawing.documentElement.tagName == "svg", "the chart is SVG")


def check_invariance(here, recipe):
    """The numbers do not depend on the cut into micro-batches, nor do bytes on the way to say it."""
    first = os.path.join(here, "out")
    check_same_run = train(recipe, "output_dir=" + os.path.join(here, "again"))
    check_same(first, os.path.join(here, "again"), "a second run")
    check("resum" not in check_same_run.stdout, "a second run begins anew", check_same_run)
    for budget in (128, 448):
        other = os.path.join(here, "tokens%d" % budget)
        train(recipe, "output_dir=" + other, "tokens_per_batch=%d" % budget, "save_strategy=no")
        worst = max(abs(a - b) for a, b in zip(losses(first), losses(other)))
        check(worst < 1e-5, "losses under tokens_per_batch=%d: %g apart" % (budget, worst))
        check(distance(first, other) < 1e-5, "weights under tokens_per_batch=%d: %g apart"
              % (budget, distance(first, other)))
    product = os.path.join(here, "product")
    train(recipe, "output_dir=" + product, "global_batch_size=0", "per_device_train_batch_size=2",
          "gradient_accumulation_steps=2")
    # Their trainer_state.json tell the batch apart.
    states = [os.path.join(name, "trainer_state.json")
              for name in ("", "checkpoint-4", "checkpoint-8", "checkpoint-12")]
    check_same(first, product, "2 x 2 examples a step", ("recipe.yaml", *states))


def check_held_out(here, recipe):
    output = os.path.join(here, "eval")
    printed = train(recipe, "output_dir=" + output, "val_size=5", "eval_steps=3", "max_steps=6",
                    "logging_steps=2", "per_device_eval_batch_size=2", "save_strategy=no")
    check("19 examples to train on, 5 held out" in printed.stdout, "held-out examples", printed)
    measured = [entry for entry in read_log(output) if "eval_loss" in entry]
    check([entry["current_steps"] for entry in measured] == [3, 6], "measured every eval_steps")
    check(all(0 < entry["eval_token_loss"] < 10 for entry in measured), "per token too")
    check(len(losses(output)) == 3, "a line every logging_steps")
    # The held-out part is not trained on: the same run without measuring has the same weights.
    other = os.path.join(here, "unmeasured")
    train(recipe, "output_dir=" + other, "val_size=5", "eval_strategy=no", "max_steps=6",
          "save_strategy=no")
    check(read(output, "model.safetensors") == read(other, "model.safetensors"),
          "measuring changes nothing")


def check_profile(here, recipe):
    """--profile counts the kernels of every micro-batch, measured or trained, and of every update."""
    printed = train(recipe, "--profile", "output_dir=" + os.path.join(here, "profile"), "val_size=5",
                    "eval_steps=3", "max_steps=6", "save_strategy=no", "tokens_per_batch=448",
                    "per_device_eval_batch_size=2")
    calls = {}
    for line in printed.stderr.splitlines():
        words = line.split()
        if len(words) == 6 and words[1].isdigit():
            calls[words[0]] = int(words[1])
    # 5 held-out examples are 3 batches.
    check(calls.get("adamw") == 6 and calls.get("norm_finish") == 6, "the updates' kernels",
          printed)
    check(calls.get("loss_sum") == 6 + 2 * 3, "the micro-batches' kernels", printed)


def check_types(here, recipe):
    """A bf16 base stays bf16; an untied head is trained and written."""
    base = make_base(os.path.join(here, "untied"), torch_dtype="bfloat16", tie_word_embeddings=False)
    output = os.path.join(here, "bf16")
    train(recipe, "model_name_or_path=" + base, "output_dir=" + output, "bf16=true",
          "max_steps=6", "save_strategy=no")
    before = model_folder.read(base)
    after = model_folder.read(output)
    check({entry[0] for entry in after.values()} == {"BF16"}, "bf16 in, bf16 out")
    check("lm_head.weight" in after and after["lm_head.weight"] != before["lm_head.weight"],
          "the head is there and trained")
    # In the same place fp32 differs from bf16 by rounding alone.
    other = os.path.join(here, "fp32")
    train(recipe, "model_name_or_path=" + base, "output_dir=" + other, "max_steps=6",
          "save_strategy=no")
    worst = max(abs(a - b) for a, b in zip(losses(output), losses(other)))
    check(worst < 5e-2, "losses in bf16 and fp32: %g apart" % worst)


def check_saving(here, recipe):
    output = os.path.join(here, "limit")
    train(recipe, "output_dir=" + output, "save_steps=2", "save_total_limit=2", "max_steps=7")
    kept = sorted(name for name in os.listdir(output) if name.startswith("checkpoint"))
    check(kept == ["checkpoint-4", "checkpoint-6"], "save_total_limit: %s" % kept)
    output = os.path.join(here, "lean")
    train(recipe, "output_dir=" + output, "save_only_model=true", "max_steps=4")
    lean = os.listdir(os.path.join(output, "checkpoint-4"))
    check("model.safetensors" in lean and "optimizer.safetensors" not in lean, "save_only_model")
    check_fails(run("train", recipe, "output_dir=" + output, "save_only_model=true", "max_steps=4"), 3,
                "checkpoint-4", "save_only_model", "overwrite_output_dir")


def check_divergence(here, recipe):
    """A loss that leaves the numbers ends the run; what was queued behind it does no harm."""
    output = os.path.join(here, "diverged")
    result = run("train", recipe, "output_dir=" + output, "learning_rate=1e6", "max_grad_norm=0",
                 "warmup_ratio=0")
    check_fails(result, 1, "in step", "learning_rate")
    check(sorted(os.listdir(output)) == ["recipe.yaml", "trainer_log.jsonl"], "no model", result)


def check_recipe_errors(here, recipe):
    """All found before anything is loaded: the model that the recipe names does not exist."""
    absent = "model_name_or_path=" + os.path.join(here, "absent")
    for assignment, parts in (
            ("learning_rat=1", ("learning_rat", "did you mean learning_rate?")),
            ("cutoff_len=many", ("cutoff_len", "many")),
            ("cutoff_len=0", ("cutoff_len", "0")),
            ("warmup_ratio=1.5", ("warmup_ratio", "1.5")),
            ("bf16=maybe", ("bf16", "maybe")),
            ("lr_scheduler_type=cosin", ("lr_scheduler_type", "cosin", "cosine")),
            ("template=quen", ("template", "quen", "qwen")),
            ("dataset=", ("dataset",)),
            ("global_batch_size=3 per_device_train_batch_size=2", ("global_batch_size",)),
            ("tokens_per_batch=64", ("tokens_per_batch", "cutoff_len"))):
        result = run("train", recipe, absent, *assignment.split())
        check_fails(result, 2, *parts)
        check("device" not in result.stdout, "refused before the device is opened", result)
    broken = os.path.join(here, "broken.yaml")
    for text, parts in (("cutoff_len: 128\nlerning_rate: 1\n", ("broken.yaml", "2", "learning_rate")),
                        ("cutoff_len: [1, 2\n", ("broken.yaml",)),
                        ("cutoff_len: {a: 1}\n", ("broken.yaml", "cutoff_len"))):
        with open(broken, "w") as file:
            file.write(text)
        check_fails(run("train", broken), 2, *parts)
    check_fails(run("train", os.path.join(here, "none.yaml")), 3, "none.yaml")
    check_fails(run("train"), 2, "RECIPE")
    keys = run("train", "--keys")
    check(keys.returncode == 0 and "global_batch_size" in keys.stdout, "--keys lists them", keys)


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    data = make_data(os.path.join(here, "data.json"))
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, dataset=data,
                         output_dir=os.path.join(here, "out"))
    check_screen(train(recipe))
    check_log(os.path.join(here, "out"))
    check_output(base, os.path.join(here, "out"))
    check_invariance(here, recipe)
    check_held_out(here, recipe)
    check_profile(here, recipe)
    check_types(here, recipe)
    check_saving(here, recipe)
    check_divergence(here, recipe)
    check_recipe_errors(here, recipe)
finish()
