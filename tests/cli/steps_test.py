# SPDX-License-Identifier: Apache-2.0
"""lewin train, its steps: what --profile tells of them, the optimizer's kernels and the device's idle
share included, and how a run ends whose loss or gradient norm is not finite."""
import os
import re

from lewin_test import check, check_fails, finish, folder, run
from training import make_base, make_data, make_recipe, train


def profile(here, recipe):
    result = train(recipe, "output_dir=%s/profiled" % here, "max_steps=4", "--profile")
    check(result.returncode == 0, "train --profile", result)
    # Four updates, one dispatch each.
    adamw = re.search(r"^adamw +(\d+) ", result.stderr, re.M)
    check(adamw and int(adamw.group(1)) == 4, "the optimizer's kernels are in the table", result)
    check(re.search(r"^attention_forward\S* +\d+ ", result.stderr, re.M), "and the model's", result)
    idle = re.search(r"^device idle (\d+\.\d+) % of (\d+\.\d+) s of steps, in which the host waited "
                     r"(\d+) times$", result.stderr, re.M)
    check(idle and 0 <= float(idle.group(1)) <= 100, "the idle share is told", result)
    check(idle and int(idle.group(3)) <= 4, "the host waits once a step at most", result)


def diverge(here, recipe):
    """Weights that grow by 1e12 a step, until a loss is not finite; never in the first step."""
    keys = ["learning_rate=1e6", "weight_decay=1e6", "lr_scheduler_type=constant", "warmup_ratio=0"]
    output = here + "/diverged"
    result = run("train", recipe, "output_dir=" + output, "save_steps=1", *keys)
    found = re.search(r"the loss is .* in step (\d+)\.", result.stderr)
    check(found and int(found.group(1)) > 1, "the step is named", result)
    saved = "%s/checkpoint-%d" % (output, int(found.group(1)) - 1) if found else output
    check_fails(result, 1, saved + " is intact", "the same command")
    check(os.path.exists(saved + "/model.safetensors"), "the checkpoint is there")
    check(not os.path.exists(output + "/model.safetensors"), "and no model of broken weights")
    check_fails(run("train", recipe, "output_dir=%s/unsaved" % here, "save_steps=100", *keys), 1,
                "the loss is", "No checkpoint was written yet")


with folder() as work:
    given = make_recipe(work + "/recipe.yaml", model_name_or_path=make_base(work + "/base"),
                        dataset=make_data(work + "/data.json"))
    profile(work, given)
    diverge(work, given)
finish()
