#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: compare_curve.py RUN [--tolerance 1e-3] [--cases FOLDER]

Trains once more in PyTorch what `lewin train` trained into the folder RUN, and compares the two
step by step. RUN holds all that is needed: recipe.yaml names the model and the data, and
trainer_log.jsonl is the curve (the recipe needs logging_steps: 1, compute_type: fp32 and
per_device_train_batch_size). The second run is transformers' model under a loop that does what
LLaMA-Factory and transformers' Trainer do, written from their sources and not from Lewin's. It ends
with exit status 1 when a loss, or a gradient norm relative to itself, differs by more than the
tolerance, when learning rates or tokens are not the same, or when transformers finds a tensor missing
from or unknown in RUN.

--cases also writes FOLDER/longest and FOLDER/shortest, of the golden fixtures' format, with
transformers' logits, loss, gradients and greedy tokens of the model in RUN for the longest and the
shortest example that it was trained on; `tests/golden/golden FOLDER/longest` checks Lewin's own
against them. Needs torch, transformers, tokenizers, safetensors and yaml. Where the distribution
links torch with a slow BLAS, put a fast one first:
LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp.
"""
import argparse
import json
import math
import pathlib
import re
import sys

import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, get_scheduler

from curve.examples import NOT_TRAINED, load_examples

# What of a recipe this program does not know how to do.
ONLY = {"compute_type": "fp32", "logging_steps": 1, "on_long_record": "cut"}


def read_recipe(run):
    recipe = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    for key, value in ONLY.items():
        if recipe.get(key) != value:
            sys.exit(f"{run}/recipe.yaml: {key} is {recipe.get(key)}, only {value} is compared")
    for key in ("learning_rate", "adam_epsilon", "weight_decay", "max_grad_norm"):
        recipe[key] = float(recipe[key])  # to YAML 1.1, 1e-08 is a text
    return recipe


def read_log(run):
    """The lines of every step as one."""
    log = {}
    for line in map(json.loads, (run / "trainer_log.jsonl").read_text().splitlines()):
        log[line["current_steps"]] = log.get(line["current_steps"], {}) | line
    return log


# --- From examples to optimizer steps -------------------------------------------------------------

def plan_steps(examples, recipe):
    """The examples of every optimizer step, in the order of transformers' seedable sampler."""
    size = recipe["global_batch_size"]
    per_epoch = max(math.ceil(len(examples) / size), 1)
    total = math.ceil(recipe["num_train_epochs"] * per_epoch)
    total = recipe["max_steps"] if recipe["max_steps"] > 0 else total
    seed = recipe["data_seed"] if recipe["data_seed"] >= 0 else recipe["seed"]
    steps = []
    for epoch in range(math.ceil(total / per_epoch)):
        generator = torch.Generator()
        generator.manual_seed(seed + epoch)
        order = torch.randperm(len(examples), generator=generator).tolist()
        if recipe["disable_shuffling"]:
            order = range(len(examples))
        steps += [[examples[i] for i in order[k : k + size]] for k in range(0, len(order), size)]
    return steps[:total]


def collate(examples):
    """Padded on the right to the longest, and to a multiple of 8."""
    width = (max(len(ids) for ids, _ in examples) + 7) // 8 * 8

    def pad(rows, value):
        return torch.tensor([row + [value] * (width - len(row)) for row in rows])

    return {
        "input_ids": pad([ids for ids, _ in examples], 0),
        "labels": pad([labels for _, labels in examples], NOT_TRAINED),
        "attention_mask": pad([[1] * len(ids) for ids, _ in examples], 0),
    }


def make_optimizer(model, recipe):
    plain = r"bias|layernorm|rmsnorm|(^|\.)norm($|\.)|_norm($|\.)"
    groups = [[], []]
    for name, parameter in model.named_parameters():
        groups[re.search(plain, name) is not None].append(parameter)
    return torch.optim.AdamW(
        [{"params": groups[0], "weight_decay": recipe["weight_decay"]},
         {"params": groups[1], "weight_decay": 0.0}],
        lr=recipe["learning_rate"], betas=(recipe["adam_beta1"], recipe["adam_beta2"]),
        eps=recipe["adam_epsilon"])


def train(model, steps, recipe):
    """Yields (loss, gradient norm before clipping, learning rate, tokens so far) of every step."""
    model.train()
    optimizer = make_optimizer(model, recipe)
    warmup = recipe["warmup_steps"] or math.ceil(len(steps) * recipe["warmup_ratio"])
    scheduler = get_scheduler(recipe["lr_scheduler_type"], optimizer, warmup, len(steps))
    limit, tokens = recipe["max_grad_norm"], 0
    micro_batch = recipe["per_device_train_batch_size"]
    for examples in steps:
        # The loss is divided by the labels of all micro-batches of the step.
        labels = sum(label != NOT_TRAINED for _, row in examples for label in row)
        loss_sum = 0.0
        for first in range(0, len(examples), micro_batch):
            batch = collate(examples[first : first + micro_batch])
            loss = model(**batch, num_items_in_batch=labels, use_cache=False).loss
            loss.backward()
            loss_sum += loss.item()
        # torch.nn.utils.clip_grad_norm_ in double: on a CPU it adds up the squares of a table in fp32
        # and loses up to 1e-4 of the norm, more than all other rounding together.
        norm = math.hypot(*(p.grad.double().norm().item() for p in model.parameters()))
        for parameter in model.parameters():
            parameter.grad.mul_(min(1.0, (limit or math.inf) / (norm + 1e-6)))
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        tokens += sum(len(ids) for ids, _ in examples)
        yield loss_sum, norm, rate, tokens


def evaluate(model, examples, size):
    """Mean of the batches' means, weighted by their rows."""
    total = 0.0
    model.eval()
    with torch.no_grad():
        for first in range(0, len(examples), size):
            batch = examples[first : first + size]
            total += model(**collate(batch), use_cache=False).loss.item() * len(batch)
    model.train()
    return total / len(examples)


# --- The comparison -------------------------------------------------------------------------------

def relative(actual, expected):
    """Norm of the difference over the norm."""
    expected = expected.double()
    return ((actual.double() - expected).norm() / expected.norm().clamp_min(1e-300)).item()


def compare_steps(log, curve, held_out_loss, tolerance):
    """Prints the table as the second run goes; True when all is within the tolerance."""
    print(f"{'step':>5} {'lewin':>11} {'torch':>11} {'difference':>11} {'rate':>12} {'difference':>11}"
          f" {'norm':>10} {'torch':>10} {'relative':>9}")
    worst_loss = worst_rate = worst_norm = worst_eval = 0.0
    same_tokens = True
    for step, (loss, norm, rate, tokens) in enumerate(curve, 1):
        line = log[step]
        loss_off, rate_off = line["loss"] - loss, line["lr"] - rate
        norm_off = line["grad_norm"] / norm - 1
        print(f"{step:5} {line['loss']:11.7f} {loss:11.7f} {loss_off:11.2e} {line['lr']:12.6e}"
              f" {rate_off:11.2e} {line['grad_norm']:10.6f} {norm:10.6f} {norm_off:9.1e}", flush=True)
        worst_loss = max(worst_loss, abs(loss_off))
        worst_rate = max(worst_rate, abs(rate_off) / max(rate, 1e-300))
        worst_norm = max(worst_norm, abs(norm_off))
        same_tokens &= line["total_tokens"] == tokens
        if "eval_loss" in line:
            measured = held_out_loss()
            print(f"      held out: {line['eval_loss']:.7f}, torch {measured:.7f}")
            worst_eval = max(worst_eval, abs(line["eval_loss"] - measured))
    print(f"\n{step} steps, {tokens} tokens ({'the same' if same_tokens else 'NOT THE SAME'} in both)\n"
          f"largest difference: loss {worst_loss:.2e}, loss on held-out examples {worst_eval:.2e}, "
          f"gradient norm {worst_norm:.1e} of itself, learning rate {worst_rate:.1e} of itself")
    # The log has nine digits.
    return max(worst_loss, worst_norm, worst_eval) <= tolerance and worst_rate < 1e-8 and same_tokens


def compare_weights(run, start, model):
    """How far the weights of the two runs are apart, tensor by tensor."""
    files = run.glob("model*.safetensors")
    ours = {name: tensor for file in files for name, tensor in load_file(file).items()}
    begun = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32).state_dict()
    rows = []
    for name, theirs in model.state_dict().items():
        if name in ours:
            way = (theirs.double() - begun[name].double()).norm().item()
            apart = (ours[name].double() - theirs.double()).norm().item()
            rows.append((relative(ours[name], theirs), apart / max(way, 1e-300), name))
    rows.sort(reverse=True)
    print(f"\n{len(rows)} tensors compared with PyTorch's after the last step; the furthest apart, as "
          "share of the tensor and of the way it went:")
    for apart, of_way, name in rows[:5]:
        print(f"  {apart:.2e}  {of_way:.2e}  {name}")
    print(f"  median {rows[len(rows) // 2][0]:.2e}, {sorted(r[1] for r in rows)[len(rows) // 2]:.2e}")


def load_result(run, model, example):
    """Loads RUN as anybody would; True when transformers finds just the tensors it looks for."""
    tuned, found = AutoModelForCausalLM.from_pretrained(
        run, dtype=torch.float32, output_loading_info=True)
    tuned.eval()
    model.eval()
    ids = torch.tensor([example[0]])
    with torch.no_grad():
        apart = relative(tuned(ids).logits, model(ids).logits)
    faults = {kind: sorted(map(str, names)) for kind, names in found.items() if names}
    print(f"\ntransformers loads {run}: {faults or 'no key missing, unexpected or mismatched'}\n"
          f"its logits and those of PyTorch's weights: {apart:.2e} apart ({ids.numel()} tokens)")
    return tuned, not faults


def write_case(folder, run, model, example, new_tokens=16):
    """A golden case of one example (the format is described with the fixtures)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model").unlink(missing_ok=True)
    (folder / "model").symlink_to(run.resolve())
    ids, labels = (torch.tensor([row]) for row in example)
    model.zero_grad()
    logits = model(ids).logits
    shifted = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=NOT_TRAINED)
    token_loss = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), shifted, ignore_index=NOT_TRAINED, reduction="none")
    loss = token_loss.sum() / (shifted != NOT_TRAINED).sum()
    loss.backward()
    tensors = {"input_ids": ids.int(), "labels": labels.int(), "logits": logits,
               "token_loss": token_loss, "loss": loss[None]}
    tensors |= {f"grad.{name}": p.grad for name, p in model.named_parameters()}
    save_file({k: t.detach().contiguous() for k, t in tensors.items()}, folder / "golden.safetensors")
    answer = example[1].index(next(x for x in example[1] if x != NOT_TRAINED))
    prompt, gap = ids[:, :answer], math.inf
    with torch.no_grad():
        sequence = prompt
        for _ in range(new_tokens):
            top = model(sequence).logits[0, -1].topk(2)
            gap = min(gap, (top.values[0] - top.values[1]).item())
            sequence = torch.cat([sequence, top.indices[None, :1]], 1)
    generation = {"prompt_ids": prompt[0].tolist(), "output_ids": sequence[0, answer:].tolist(),
                  "min_top2_gap": gap}
    (folder / "golden.json").write_text(json.dumps({"runs": [], "generation": [generation]}))
    print(f"{folder}: a golden case of {ids.numel()} tokens")


def main():
    parser = argparse.ArgumentParser(description="compares a run of lewin train with PyTorch")
    parser.add_argument("run", type=pathlib.Path, help="its output folder")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--cases", type=pathlib.Path, help="where to write two golden cases")
    options = parser.parse_args()
    recipe = read_recipe(options.run)
    log = read_log(options.run)
    examples, held_out = load_examples(recipe)
    steps = plan_steps(examples, recipe)
    if sorted(log) != list(range(1, len(steps) + 1)):
        sys.exit(f"{options.run}: the log has {len(log)} steps and the recipe means {len(steps)}")
    start = recipe["model_name_or_path"]
    model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32)
    print(f"PyTorch {torch.__version__}, {len(examples)} examples and {len(held_out)} held out, "
          f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters\n")
    equal = compare_steps(
        log, train(model, steps, recipe),
        lambda: evaluate(model, held_out, recipe["per_device_eval_batch_size"]), options.tolerance)
    compare_weights(options.run, start, model)
    tuned, whole = load_result(options.run, model, steps[0][0])
    if options.cases:
        trained = sorted((x for step in steps for x in step), key=lambda x: len(x[0]))
        write_case(options.cases / "shortest", options.run, tuned, trained[0])
        write_case(options.cases / "longest", options.run, tuned, trained[-1])
    print(f"\n{'equal' if equal and whole else 'NOT EQUAL'} within {options.tolerance:g}")
    sys.exit(not (equal and whole))


if __name__ == "__main__":
    main()
