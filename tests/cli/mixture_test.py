# SPDX-License-Identifier: Apache-2.0
"""lewin train and lewin data with the names of a dataset_info.json: the paper's ablation as it stands
in examples/, on small data in place of the real; held-out data sets; what is refused.
"""
import json
import os
import shutil

from lewin_test import check, check_fails, finish, folder, run
from training import TOKENIZER, conversation, make_base, make_recipe, train

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
# Of data sets of 20, 20 and 40 rows, with the seed 42 (tests/unit/trainer/mixture_vectors.h).
ABLATION_ROWS = 76
ABLATION_SHARES = ("25.0 %  humanllm_first: 19 examples of 20 rows",
                   "26.3 %  humanllm_last: 20 examples of 20 rows",
                   "48.7 %  general: 37 examples of 40 rows")


def write_lines(path, records):
    with open(path, "w") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def make_stand_ins(place):
    """The files that examples/dataset_info.json names, and the file itself."""
    shutil.copy(os.path.join(EXAMPLES, "dataset_info.json"), place)
    shutil.copy(os.path.join(EXAMPLES, "humanllm_demo.jsonl"), place)
    for name in ("humanllm_first", "humanllm_last"):
        write_lines(os.path.join(place, name + ".jsonl.zst"),
                    [conversation(["%s %d?" % (name, i), "the tree"]) for i in range(20)])
    write_lines(os.path.join(place, "general.jsonl"),
                [{"instruction": "count to", "input": str(i), "output": "a small river"}
                 for i in range(40)])


def check_ablation(place, base):
    output = os.path.join(place, "ablation")
    done = train(os.path.join(EXAMPLES, "humanllm_ablation.yaml"), "model_name_or_path=" + base,
                 "dataset_dir=" + place, "output_dir=" + output, "cutoff_len=128", "bf16=false",
                 "global_batch_size=4", "max_steps=2")
    check("data      %d examples" % ABLATION_ROWS in done.stdout, "the mixture's rows", done)
    for share in ABLATION_SHARES:
        check(share in done.stdout, "%s is printed" % share, done)
    with open(os.path.join(output, "recipe.yaml")) as file:
        recipe = file.read()
    for line in ('dataset: "humanllm_first,humanllm_last,general"',
                 "mix_strategy: interleave_under",
                 'interleave_probs: "0.25,0.25,0.5"'):
        check(line in recipe, "%s is recorded" % line)


def check_held_out(place, recipe):
    done = train(recipe, "eval_dataset=humanllm_last,general", "max_samples=7", "max_steps=1",
                 "output_dir=" + os.path.join(place, "held"))
    check("data      7 examples" in done.stdout and "14 held out" in done.stdout,
          "a data set to train on, two held out", done)


def check_refusals(place, recipe):
    refused = ((2, ("eval_dataset=general", "val_size=0.5"), "exclude each other"),
               (2, ("interleave_probs=1",), "interleave_probs needs mix_strategy"),
               (3, ("dataset=humanllm_frst",), "did you mean humanllm_first?"),
               (3, ("dataset=general,general",), "is named twice"),
               (3, ("dataset_dir=ONLINE",), "nothing is downloaded"),
               (3, ("dataset=hub",), "nothing is downloaded"))
    path = os.path.join(place, "dataset_info.json")
    with open(path) as file:
        info = json.load(file)
    with open(path, "w") as file:
        json.dump({**info, "hub": {"hf_hub_url": "someone/something"}}, file)
    for status, changes, part in refused:
        check_fails(run("train", recipe, *changes), status, part)


def check_data(place):
    done = run("data", "check", "humanllm_demo", "general", "--dataset-dir", place)
    check(done.returncode == 0 and "300 records, 300 good" in done.stdout and
          "40 records, 40 good" in done.stdout, "data check takes names", done)
    done = run("data", "show", TOKENIZER, "general", "--dataset-dir", place, "--index", 39)
    check(done.returncode == 0 and "3\u00b79" in done.stdout, "data show takes names", done)
    check_fails(run("data", "show", TOKENIZER, "general", "--dataset-dir", place, "--index", 40), 3,
                "general has 40 records")
    check_fails(run("data", "check", "general"), 3, "general", "dataset_info.json")


with folder() as here:
    make_stand_ins(here)
    model = make_base(os.path.join(here, "base"))
    keys = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=model,
                       dataset_dir=here, dataset="humanllm_first", output_dir=os.path.join(here, "out"))
    check_data(here)
    check_ablation(here, model)
    check_held_out(here, keys)
    check_refusals(here, keys)
finish()
