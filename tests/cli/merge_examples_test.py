# SPDX-License-Identifier: Apache-2.0
"""lewin merge --examples: the losses are those that a run measures on the same conversations, the
weights follow from them, and the merge is the one with those weights given by hand."""
import math
import os
import re

import model_folder
from lewin_test import check, check_fails, finish, folder, run
from training import make_base, make_data, make_recipe, read_log, train


def weighed(result):
    """(weight, loss) of each model, as printed."""
    return [(float(weight), float(loss)) for weight, loss in
            re.findall(r"^weight ([0-9.]+)  loss ([0-9.]+)  ", result.stdout, re.M)]


with folder() as work:
    base = make_base(work + "/base")
    data, few = make_data(work + "/data.json"), make_data(work + "/few.json", 5)
    recipe = make_recipe(work + "/recipe.yaml", model_name_or_path=base, dataset=data, bf16=True,
                         eval_dataset=few, eval_on_start=True, eval_steps=1000, eval_strategy="steps",
                         per_device_eval_batch_size=2, output_dir=work + "/tuned", max_steps=6)
    train(recipe)
    losses = [entry["eval_loss"] for entry in read_log(work + "/tuned") if "eval_loss" in entry]
    check(len(losses) >= 2 and losses[0] != losses[-1], "a run measures before and after: %s" % losses)
    for temperature, flags in ((5, ()), (0.25, ("--temperature", "0.25"))):
        out = "%s/out-%s" % (work, temperature)
        result = run("merge", base, work + "/tuned", "-o", out, "--examples", few, "--template",
                     "qwen", *flags)
        check(result.returncode == 0, "a merge by examples", result)
        got = weighed(result)
        check(len(got) == 2, "a line for each model", result)
        for (_, loss), wanted in zip(got, (losses[0], losses[-1])):
            check(abs(loss - wanted) < 1e-4 * wanted, "loss %g, the run has %g" % (loss, wanted))
        powers = [math.exp(-loss / temperature) for _, loss in got]
        for (weight, _), power in zip(got, powers):
            check(abs(weight - power / sum(powers)) < 1e-5, "the weight is the softmax's", result)
        by_hand = run("merge", base, work + "/tuned", "-o", out + "-by-hand", "--weights",
                      ",".join(str(weight) for weight, _ in got))
        check(by_hand.returncode == 0, "the same by hand", by_hand)
        one, other = model_folder.read(out), model_folder.read(out + "-by-hand")
        for name in one:
            pairs = zip(model_folder.decode(one[name][0], one[name][2]),
                        model_folder.decode(other[name][0], other[name][2]))
            check(all(abs(x - y) <= 0.01 * abs(x) + 1e-6 for x, y in pairs), "%s is merged so" % name)
    models = (base, work + "/tuned", "-o", work + "/none")
    check_fails(run("merge", *models, "--examples", few, "--weights", "1,1"), 2, "--examples")
    check_fails(run("merge", *models, "--examples", few, "--temperature", "0"), 2, "--temperature")
    check_fails(run("merge", *models, "--examples", work + "/absent.json"), 3, "absent.json")
    check(not os.path.exists(work + "/none"), "nothing was written")
finish()
