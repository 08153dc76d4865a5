# SPDX-License-Identifier: Apache-2.0
"""lewin train, stopped in every way that a process can be stopped and started again by the same
command: the folder is in the end that of a run that never stopped, byte for byte. Only what tells
the times differ (training.TIMES).
"""
import os
import random
import shutil
import signal
import time

from lewin_test import check, check_fails, finish, folder, run
from training import (check_same, make_base, make_data, make_recipe, read_log, start, stop, train,
                      wait_for, wait_until)

KILLS = 4


def kill_at_random(here, recipe, whole, seconds):
    """Killed several times in one run, each time at a moment that nobody chose; a whole run takes
    about `seconds`."""
    output = os.path.join(here, "killed")
    seed = random.randrange(1 << 32)
    print("moments drawn with seed", seed)
    draws = random.Random(seed)
    for _ in range(KILLS):
        process = start(recipe, "output_dir=" + output)
        time.sleep(draws.uniform(0.1, 0.9) * seconds)
        stop(process)
    resumed = train(recipe, "output_dir=" + output)
    check_same(whole, output, "killed at random")
    check(not any("lewin-tmp" in name or "moved" in name for name in os.listdir(output)),
          "nothing unfinished is left", resumed)


def kill_while_saving(here, recipe, whole):
    """Killed while a checkpoint is being written: while its folder has its temporary name."""
    output = os.path.join(here, "torn")
    unfinished = os.path.join(output, "checkpoint-8.lewin-tmp")
    hits = 0
    for _ in range(10):
        shutil.rmtree(output, ignore_errors=True)
        process = start(recipe, "output_dir=" + output, output=-3)  # DEVNULL
        wait_until(lambda: os.path.exists(unfinished) or process.poll() is not None)
        stop(process)
        hits += os.path.exists(unfinished)
        if hits == 1:
            break
    check(hits == 1, "a checkpoint was caught while it was written")
    check(not os.path.exists(os.path.join(output, "checkpoint-8")), "and has no final name")
    resumed = train(recipe, "output_dir=" + output)
    check("checkpoint-4 after step 4" in resumed.stdout, "goes on from the one before", resumed)
    check_same(whole, output, "killed while saving")


def kill_while_exporting(here, recipe, whole):
    """Killed while the final model is written or moved into place."""
    output = os.path.join(here, "final")
    moving = os.path.join(output, "model-being-moved")
    process = start(recipe, "output_dir=" + output, output=-3)
    wait_until(lambda: os.path.exists(moving + ".lewin-tmp") or os.path.exists(moving) or
               process.poll() is not None)
    stop(process)
    train(recipe, "output_dir=" + output)
    check_same(whole, output, "killed while the model is moved into place")
    # Without a checkpoint the same command begins anew.
    output = os.path.join(here, "early")
    os.makedirs(os.path.join(output, "model-being-moved"))
    os.makedirs(os.path.join(output, "checkpoint-4.lewin-tmp"))
    for name in ("trainer_log.jsonl", "recipe.yaml"):
        shutil.copy(os.path.join(whole, name), output)
    train(recipe, "output_dir=" + output)
    check_same(whole, output, "leftovers of a run without a checkpoint")


def interrupt(here, recipe, whole):
    """Ctrl-C: the step is finished, a checkpoint written, exit 130."""
    output = os.path.join(here, "interrupted")
    for number, step in ((signal.SIGINT, 3), (signal.SIGTERM, 6)):
        process = start(recipe, "output_dir=" + output)
        check(wait_for(process, "step %d/" % step) is not None, "it gets to step %d" % step)
        rest, status = stop(process, number)
        check(status == 130, "exit status %d after signal %d: %s" % (status, number, rest))
        check("stopped after step" in rest and "saved" in rest, "says where: %s" % rest)
    saved = [name for name in os.listdir(output) if name.startswith("checkpoint-")]
    steps = sorted(int(name[11:]) for name in saved)
    check(any(step % 4 for step in steps) or len(steps) > 2, "checkpoints of their own: %s" % steps)
    train(recipe, "output_dir=" + output)
    extra = ["checkpoint-%d" % step for step in steps if step % 4]
    for name in extra:
        shutil.rmtree(os.path.join(output, name))
    check_same(whole, output, "interrupted")


def check_refusals(here, recipe, data, whole):
    """Other settings or other data are no resumption; the folder stays as it was."""
    output = os.path.join(here, "half")
    process = start(recipe, "output_dir=" + output)
    wait_for(process, "checkpoint-4")
    stop(process)
    shutil.rmtree(os.path.join(output, "checkpoint-8"), ignore_errors=True)
    log = read_log(output)
    for key in ("learning_rate=0.02", "max_steps=13", "global_batch_size=8", "weight_decay=0",
                "compute_type=bf16 bf16=true", "lr_scheduler_type=linear", "adam_beta2=0.95"):
        check_fails(run("train", recipe, "output_dir=" + output, *key.split()), 3, "other settings",
                    "overwrite_output_dir", "checkpoint-4")
    other = make_data(os.path.join(here, "other.json"), 25)
    for key in ("dataset=" + other, "seed=43", "cutoff_len=60", "train_on_prompt=true"):
        check_fails(run("train", recipe, "output_dir=" + output, key), 3, "other data",
                    "overwrite_output_dir")
    check(read_log(output) == log, "the log of the run is still there")
    check_fails(run("train", recipe, "output_dir=" + output,
                    "resume_from_checkpoint=" + os.path.join(output, "checkpoint-5")), 3,
                "checkpoint-5")
    check_fails(run("train", recipe, "output_dir=" + os.path.join(here, "new"),
                    "resume_from_checkpoint=true"), 3, "no checkpoint")
    train(recipe, "output_dir=" + output,
          "resume_from_checkpoint=" + os.path.join(output, "checkpoint-4"))
    check_same(whole, output, "resumed by name")
    anew = train(recipe, "output_dir=" + output, "overwrite_output_dir=true")
    check("step 3/" in anew.stdout, "overwrite_output_dir begins anew", anew)
    check_same(whole, output, "overwritten")


def resume_bf16(here, recipe):
    """Working weights in bf16 come back from their fp32 masters as the optimizer left them."""
    whole, output = os.path.join(here, "whole16"), os.path.join(here, "resumed16")
    train(recipe, "bf16=true", "output_dir=" + whole)
    os.mkdir(output)
    shutil.copytree(os.path.join(whole, "checkpoint-4"), os.path.join(output, "checkpoint-4"))
    shutil.copy(os.path.join(whole, "trainer_log.jsonl"), output)
    resumed = train(recipe, "bf16=true", "output_dir=" + output)
    check("after step 4" in resumed.stdout, "goes on from step 4", resumed)
    check_same(whole, output, "resumed in bf16")


def check_damaged(here, recipe, whole):
    """A damaged checkpoint is named, not used."""
    output = os.path.join(here, "damaged")
    shutil.copytree(whole, output)
    state = os.path.join(output, "checkpoint-12", "lewin_state.json")
    history = os.path.join(output, "checkpoint-12", "trainer_state.json")
    optimizer = os.path.join(output, "checkpoint-12", "optimizer.safetensors")
    for path, parts in ((history, ("trainer_state.json",)), (optimizer, ("optimizer.safetensors",)),
                        (state, ("lewin_state.json",))):
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        check_fails(run("train", recipe, "output_dir=" + output), 3, "checkpoint-12", *parts)


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    data = make_data(os.path.join(here, "data.json"))
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, dataset=data,
                         output_dir=os.path.join(here, "out"), val_size=2, eval_steps=3,
                         logging_steps=3, max_steps=12)
    whole = os.path.join(here, "whole")
    began = time.monotonic()
    train(recipe, "output_dir=" + whole)
    kill_at_random(here, recipe, whole, time.monotonic() - began)
    kill_while_saving(here, recipe, whole)
    kill_while_exporting(here, recipe, whole)
    interrupt(here, recipe, whole)
    check_refusals(here, recipe, data, whole)
    check_damaged(here, recipe, whole)
    resume_bf16(here, recipe)
finish()
