# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share: a model of 30,000 parameters, a handful of conversations, recipes,
and looking at what a run wrote. Beside lewin_test.py.
"""
import json
import os
import random
import signal
import subprocess
import time

import model_folder
from lewin_test import LEWIN, check, run

TOKENIZER = os.path.join(os.environ.get("LEWIN_TEST_DATA", "tests/data"), "tokenizers", "qwen2")
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu",
    "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2,
    "num_hidden_layers": 2, "vocab_size": 512, "max_position_embeddings": 512, "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0, "tie_word_embeddings": True, "torch_dtype": "float32",
    "initializer_range": 0.2,
}
# What makes the model one of another family. longrope's short factors are for 40 positions.
FAMILIES = {
    "qwen3": {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 16,
              "attention_bias": False},
    "llama": {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
              "tie_word_embeddings": False, "rope_theta": 500000.0, "rope_scaling": {
                  "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
    "mistral": {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "head_dim": 16,
                "sliding_window": 24},
    "phi3": {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "pad_token_id": 3,
             "tie_word_embeddings": False, "sliding_window": 30,
             "original_max_position_embeddings": 40, "rope_scaling": {
                 "type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.4],
                 "long_factor": [1.1, 2.0, 4.0, 9.0]}},
    "phi4-mini": {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "pad_token_id": 3,
                  "partial_rotary_factor": 0.75, "original_max_position_embeddings": 40,
                  "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.1, 1.2],
                                   "long_factor": [1.1, 2.0, 9.0]}},
}
WORDS = ("the a small river house tree walks sings blue old friend table never maybe tomorrow light "
         "dog city question answer because warm").split()
# What a run writes about time, which no two runs have in common.
TIMES = ("elapsed_time", "remaining_time", "throughput", "elapsed_seconds", "eval_runtime",
         "eval_samples_per_second", "eval_steps_per_second", "train_runtime",
         "train_samples_per_second", "train_steps_per_second")
# What a run leaves at its end besides the model.
REPORTS = {"recipe.yaml", "trainer_log.jsonl", "training_loss.svg", "trainer_state.json",
           "train_results.json", "all_results.json"}


def make_base(path, **changes):
    """`lewin init` with CONFIG and these changes to it; returns the folder."""
    config = path + ".json"
    with open(config, "w") as file:
        json.dump({**CONFIG, **changes}, file)
    made = run("init", config, "-o", path, "--seed", 7, "--tokenizer", TOKENIZER)
    check(made.returncode == 0, "lewin init makes a model", made)
    return path


def conversation(turns):
    """A record; `turns`: human, gpt, human, ..."""
    return {"system": "Be kind.", "conversations": [
        {"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(turns)]}


def make_data(path, count=24):
    """`count` records of various lengths, some of two exchanges; returns the file."""
    draws = random.Random(5)

    def sentence(most):
        return " ".join(draws.choice(WORDS) for _ in range(draws.randint(1, most))) + "."
    records = [conversation([sentence(9) for _ in range(4 if i % 5 == 0 else 2)])
               for i in range(count)]
    with open(path, "w") as file:
        json.dump(records, file)
    return path


def make_recipe(path, **keys):
    """A recipe of fp32 steps over 4 examples; `keys` are added or replace, None takes one away."""
    defaults = {"template": "qwen", "cutoff_len": 128, "bf16": False, "global_batch_size": 4,
                "num_train_epochs": 2, "learning_rate": 0.01, "lr_scheduler_type": "cosine",
                "warmup_ratio": 0.2, "weight_decay": 0.01, "logging_steps": 1, "save_steps": 4}
    with open(path, "w") as file:
        for key, value in {**defaults, **keys}.items():
            if value is not None:
                file.write("%s: %s\n" % (key, json.dumps(value))) # JSON is YAML
    return path


def train(recipe, *assignments, status=0, **options):
    """Runs to the end, which must have this status."""
    done = run("train", recipe, *assignments, **options)
    check(done.returncode == status, "train ends with %d" % status, done)
    return done


def start(recipe, *assignments, output=subprocess.PIPE):
    """Begins a run; returns the process, whose output is text."""
    return subprocess.Popen([LEWIN, "train", recipe, *assignments], stdout=output,
                            stderr=subprocess.STDOUT, text=True, errors="replace")


def wait_for(process, part):
    """Reads the process's output up to the line that holds `part`; returns the lines, None when it
    ended before."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if part in line:
            return lines
    return None


def stop(process, number=signal.SIGKILL):
    """Sends the signal; returns the rest of the output and the exit status."""
    process.send_signal(number)
    rest, _ = process.communicate(timeout=300)
    return rest, process.returncode


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.0005)
    return condition()


def read_log(output):
    with open(os.path.join(output, "trainer_log.jsonl")) as file:
        return [json.loads(line) for line in file]


def measured(output):
    """The lines of the log that have a loss: the last one of a run has none."""
    return [entry for entry in read_log(output) if "loss" in entry or "eval_loss" in entry]


def losses(output):
    return [entry["loss"] for entry in read_log(output) if "loss" in entry]


def without_times(name, content):
    """A file's content with what depends on the clock taken out."""
    if name.endswith("trainer_log.jsonl"):
        lines = [json.loads(line) for line in content.splitlines()]
        return [{key: line[key] for key in line if key not in TIMES} for line in lines]
    if name.endswith(("_state.json", "_results.json")):
        return drop_times(json.loads(content))
    return content


def drop_times(value):
    if isinstance(value, dict):
        return {key: drop_times(value[key]) for key in value if key not in TIMES}
    return [drop_times(item) for item in value] if isinstance(value, list) else value


def read_folder(path, skipped=()):
    """Every file below the folder: its name there and what it holds, times taken out."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            relative = os.path.relpath(whole, path)
            if relative not in skipped:
                with open(whole, "rb") as file:
                    found[relative] = without_times(relative, file.read())
    return found


def check_same(one, other, what, skipped=("recipe.yaml",)):
    """Both folders hold the same files with the same bytes. recipe.yaml names the folder itself."""
    first, second = read_folder(one, skipped), read_folder(other, skipped)
    check(sorted(first) == sorted(second), "%s: the same files: %s, %s"
          % (what, sorted(set(first) - set(second)), sorted(set(second) - set(first))))
    for name in first:
        check(name not in second or first[name] == second[name], "%s: %s is the same" % (what, name))


def distance(one, other):
    """Norm of the difference over the norm, of all tensors of two model folders together."""
    first, second = model_folder.read(one), model_folder.read(other)
    difference = norm = 0.0
    for name, (dtype, _, data) in first.items():
        for a, b in zip(model_folder.decode(dtype, data), model_folder.decode(*second[name][::2])):
            difference += (a - b) * (a - b)
            norm += a * a
    return (difference / norm) ** 0.5
