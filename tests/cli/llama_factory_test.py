# SPDX-License-Identifier: Apache-2.0
"""lewin train on recipes as people have them for LLaMA-Factory, taken as they are: what has no effect
is named in one line, what would change the result is refused by name, and what a run leaves is what
scripts made for LLaMA-Factory and transformers read.
"""
import json
import math
import os
import re

from lewin_test import check, check_fails, finish, folder, run
from training import losses, make_base, make_data, read_log, start, stop, train, wait_for

# After examples/train_full/qwen3_full_sft.yaml, with its section on evaluation switched on.
EXAMPLE = """\
### model
model_name_or_path: %(base)s
trust_remote_code: true

### method
stage: sft
do_train: true
finetuning_type: full
deepspeed: examples/deepspeed/ds_z3_config.json  # choices: [ds_z0_config.json, ds_z2_config.json]

### dataset
dataset: chats
dataset_dir: %(data)s
template: qwen
cutoff_len: 128
max_samples: 1000
preprocessing_num_workers: 16
dataloader_num_workers: 4

### output
output_dir: %(output)s
logging_steps: 3
save_steps: 500
plot_loss: true
overwrite_output_dir: true
save_only_model: false
report_to: none  # choices: [none, wandb, tensorboard, swanlab, mlflow]

### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 2
learning_rate: 1.0e-3
num_train_epochs: 1.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
resume_from_checkpoint: null

### eval
val_size: 0.1
per_device_eval_batch_size: 1
eval_strategy: steps
eval_steps: 5
"""

# In the manner of what people publish for long contexts.
PACKED = """\
model_name_or_path: %(base)s
flash_attn: fa2
enable_liger_kernel: True
use_unsloth_gc: true
stage: sft
do_train: True
finetuning_type: full
freeze_vision_tower: true
dataset: [chats]
dataset_dir: %(data)s
template: qwen
cutoff_len: 256
packing: true
neat_packing: true
preprocessing_num_workers: 2
tokenized_path: %(output)s-cache
output_dir: %(output)s
logging_steps: 1
logging_first_step: true
save_strategy: epoch
save_total_limit: 1
save_only_model: true
report_to: [wandb, tensorboard]
run_name: packed
logging_dir: %(output)s/tb
per_device_train_batch_size: 1
gradient_accumulation_steps: 2
gradient_checkpointing: true
optim: adamw_torch_fused
learning_rate: 5.0e-4
lr_scheduler_type: cosine_with_min_lr
lr_scheduler_kwargs:
  min_lr_rate: 0.1
warmup_steps: 0.25
weight_decay: 0.1
adam_beta2: 0.95
max_grad_norm: 1.0
num_train_epochs: 2
bf16: false
tf32: false
label_smoothing_factor: 0.0
neftune_noise_alpha: null
seed: 42
dataloader_pin_memory: true
fsdp_config: {transformer_layer_cls_to_wrap: [Qwen2DecoderLayer], min_num_params: 0}
"""

REFUSED = (
    ("finetuning_type: lora\n", ("finetuning_type", "trains all parameters")),
    ("lora_rank: 8\nlora_target: all\n", ("lora_rank", "trains all parameters")),
    ("finetuning_type: freeze\n", ("finetuning_type",)),
    ("quantization_bit: 4\n", ("quantization_bit",)),
    ("stage: dpo\n", ("stage", "supervised")),
    ("packing: true\n", ("packing", "attend to each other", "neat_packing: true")),
    ("neftune_noise_alpha: 5\n", ("neftune_noise_alpha", "cross-entropy")),
    ("optim: paged_adamw_8bit\n", ("optim", "AdamW")),
    ("use_galore: true\n", ("use_galore", "AdamW")),
    ("pure_bf16: true\n", ("pure_bf16", "fp32 masters")),
    ("rope_scaling: yarn\n", ("rope_scaling", "config.json")),
    ("streaming: true\n", ("streaming",)),
    ("load_best_model_at_end: true\n", ("load_best_model_at_end",)),
    ("lr_scheduler_type: reduce_lr_on_plateau\n", ("lr_scheduler_type", "polynomial")),
    ("predict_with_generate: true\n", ("predict_with_generate", "lewin chat")),
    ("flash_atn: fa2\n", ("flash_atn",)),
)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def without_effect(printed):
    lines = [line for line in printed.stdout.splitlines() if line.startswith("no effect ")]
    check(len(lines) == 1, "one line says what has no effect", printed)
    return lines[0][len("no effect "):].split(", ")


def smooth(values):
    """As the plots of LLaMA-Factory: an average whose weight grows with the number of values."""
    weight = 1.8 * (1 / (1 + math.exp(-0.05 * len(values))) - 0.5)
    smoothed, last = [], values[0]
    for value in values:
        last = last * weight + (1 - weight) * value
        smoothed.append(last)
    return smoothed


def check_plots(output):
    """What LLaMA-Factory's plotting reads: steps and values by key, from either file."""
    with open(os.path.join(output, "trainer_state.json")) as file:
        state = json.load(file)
    for key in ("loss", "eval_loss"):
        points = [(entry["step"], entry[key]) for entry in state["log_history"] if key in entry]
        logged = [(entry["current_steps"], entry[key]) for entry in read_log(output) if key in entry]
        check([step for step, _ in points] == [step for step, _ in logged] and points,
              "%s: the same steps in both files: %s, %s" % (key, points, logged))
        check(all(abs(a[1] - b[1]) <= 1e-8 * abs(a[1]) for a, b in zip(points, logged)),
              "%s: the same values in both files" % key)
        check(all(math.isfinite(value) for value in smooth([value for _, value in points])),
              "%s can be smoothed" % key)
    last = state["log_history"][-1]
    check("train_loss" in last and "train_runtime" in last and last["step"] == state["max_steps"],
          "the history ends with the sums: %s" % last)
    results = {}
    for name in ("train", "eval", "all"):
        with open(os.path.join(output, name + "_results.json")) as file:
            results[name] = json.load(file)
    check(results["all"] == {**results["train"], **results["eval"]}, "all_results.json has both")
    check(set(results["train"]) == {"epoch", "total_flos", "train_loss", "train_runtime",
                                    "train_samples_per_second", "train_steps_per_second"},
          "train_results.json: %s" % sorted(results["train"]))
    check({"epoch", "eval_loss", "eval_runtime", "eval_samples_per_second",
           "eval_steps_per_second"} <= set(results["eval"]), "eval_results.json")


def check_example(values):
    recipe = write(os.path.join(values["here"], "example.yaml"), EXAMPLE % values)
    printed = train(recipe, "bf16=false")
    check(without_effect(printed) == ["trust_remote_code", "deepspeed", "dataloader_num_workers",
                                      "plot_loss", "report_to", "ddp_timeout"],
          "the keys without effect", printed)
    # 24 records, 3 of them held out; 21 in twos are 11 steps, the last with one.
    check("21 examples to train on, 3 held out" in printed.stdout, "the split", printed)
    log = read_log(values["output"])
    check(log[-1]["current_steps"] == log[-1]["total_steps"] == 11, "steps of an epoch")
    measured = [entry["current_steps"] for entry in log if "eval_loss" in entry]
    check(measured == [5, 10, 11], "measured every eval_steps and at the end: %s" % measured)
    epochs = [entry["epoch"] for entry in log if "loss" in entry]
    check(all(abs(a - b) < 1e-9 for a, b in zip(epochs, (6 / 21, 12 / 21, 18 / 21, 1))),
          "epochs by batches: %s" % epochs)
    check_plots(values["output"])
    with open(os.path.join(values["output"], "recipe.yaml")) as file:
        printed_recipe = file.read()
    for key, number in re.findall(r"^(\w+): (-?\d\S*)$", printed_recipe, re.M):
        # What YAML 1.1 takes for a number, as PyYAML does.
        check(re.fullmatch(r"-?\d+|-?\d+\.\d*(e[-+]\d+)?", number),
              "%s: %s is a number in YAML 1.1" % (key, number))


def check_packed(values):
    recipe = write(os.path.join(values["here"], "packed.yaml"), PACKED % values)
    printed = train(recipe)
    named = without_effect(printed)
    for key in ("flash_attn", "enable_liger_kernel", "use_unsloth_gc", "freeze_vision_tower",
                "report_to", "run_name", "logging_dir", "gradient_checkpointing", "tf32",
                "dataloader_pin_memory", "fsdp_config"):
        check(key in named, "%s has no effect" % key, printed)
    check(not {"packing", "optim", "label_smoothing_factor", "weight_decay"} & set(named),
          "what is obeyed is not named", printed)
    packs = int(re.search(r"(\d+) packs to train on", printed.stdout)[1])
    check(2 <= packs < 24, "%d packs of 24 examples" % packs)
    log = read_log(values["output"])
    steps = (packs + 1) // 2
    check(log[-1]["total_steps"] == 2 * steps, "steps count packs: %s" % log[-1])
    # Packs hold whole examples, no token is lost: an epoch has the tokens of one without packs.
    plain = os.path.join(values["here"], "plain")
    train(recipe, "packing=false", "neat_packing=false", "output_dir=" + plain, "max_steps=12",
          "save_strategy=no")
    tokens = read_log(plain)[-1]["total_tokens"]
    check(log[-1]["total_tokens"] == 2 * tokens, "%d tokens in two epochs of %d"
          % (log[-1]["total_tokens"], tokens))
    kept = [name for name in os.listdir(values["output"]) if name.startswith("checkpoint-")]
    check(kept == ["checkpoint-%d" % (2 * steps)], "one checkpoint an epoch, one kept: %s" % kept)
    rates = [entry["lr"] for entry in log if "loss" in entry]
    check(rates[0] == 0 and min(rates[1:]) > 0.1 * 5e-4, "down to the least learning rate: %s" % rates)
    again = os.path.join(values["here"], "again")
    train(recipe, "output_dir=" + again, "tokens_per_batch=256")
    worst = max(abs(a - b) for a, b in zip(losses(values["output"]), losses(again)))
    check(worst < 1e-5, "the losses of packs do not depend on how they are computed: %g" % worst)


def check_refused(values):
    recipe = os.path.join(values["here"], "refused.yaml")
    text = re.sub(r"^(stage|finetuning_type): .*\n", "", EXAMPLE % values, flags=re.M)
    for lines, parts in REFUSED:
        keys = [line.split(":")[0] for line in lines.splitlines()]
        kept = "".join(line + "\n" for line in text.splitlines() if line.split(":")[0] not in keys)
        write(recipe, kept + lines)
        result = run("train", recipe)
        check_fails(result, 2, *parts)
        check("device" not in result.stdout, "refused before the device is opened", result)
    write(recipe, text)
    check_fails(run("train", recipe, "model_name_or_path=Qwen/Qwen2.5-7B-Instruct"), 3,
                "no folder Qwen/Qwen2.5-7B-Instruct", "huggingface-cli download")


def check_lock(values):
    recipe = write(os.path.join(values["here"], "lock.yaml"), EXAMPLE % values)
    arguments = ("bf16=false", "max_steps=100000", "eval_strategy=no", "logging_steps=1")
    process = start(recipe, *arguments)
    check(wait_for(process, "step 2/") is not None, "the first run gets to work")
    check_fails(run("train", recipe, *arguments), 1, "another run is writing to", "output_dir")
    rest, status = stop(process)
    # What a killed run leaves keeps nobody out.
    train(recipe, "bf16=false", "max_steps=2")
    check(not os.path.exists(os.path.join(values["output"], "lewin.lock")), "the lock is gone")


with folder() as here:
    data = os.path.join(here, "data")
    os.mkdir(data)
    make_data(os.path.join(data, "chats.json"))
    with open(os.path.join(data, "dataset_info.json"), "w") as file:
        json.dump({"chats": {"file_name": "chats.json", "formatting": "sharegpt",
                             "columns": {"messages": "conversations", "system": "system"}}}, file)
    values = {"here": here, "base": make_base(os.path.join(here, "base")), "data": data,
              "output": os.path.join(here, "out")}
    check_example(values)
    check_packed({**values, "output": os.path.join(here, "packed")})
    check_refused(values)
    check_lock(values)
finish()
