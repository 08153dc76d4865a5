# SPDX-License-Identifier: Apache-2.0
"""lewin train when the disk fills up while a checkpoint is written: exit status 1, a message that
says so, the checkpoints before it whole, nothing half-written; with room again the same command
ends as if nothing had been.
"""
import os
import resource
import shutil
import signal
import subprocess

from lewin_test import LEWIN, check, check_fails, finish, folder, run
from training import check_same, make_base, make_data, make_recipe, read_folder, train

MEGABYTE = 1 << 20
FULL = ("space", "full", "large")


def check_left(output, before, result):
    """After a failed checkpoint: exit status 1, the reason, and the folder as it was."""
    check_fails(result, 1, "writing", "checkpoint-8")
    check(any(word in result.stderr.lower() for word in FULL), "the message says why", result)
    after = read_folder(output, ("trainer_log.jsonl", "recipe.yaml"))
    check(after == before, "nothing is left of it, and nothing lost: %s" % sorted(after))


def begin(recipe, output):
    """A run up to its first checkpoint; returns what is in the folder."""
    train(recipe, "output_dir=" + output, "save_steps=4")
    for name in os.listdir(output):
        path = os.path.join(output, name)
        if name not in ("checkpoint-4", "trainer_log.jsonl", "recipe.yaml"):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return read_folder(output, ("trainer_log.jsonl", "recipe.yaml"))


def check_file_limit(here, recipe, whole):
    """A write that fails in the middle of the optimizer's file: no file may grow beyond 200 kB."""
    output = os.path.join(here, "limited")
    before = begin(recipe, output)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    result = subprocess.run([LEWIN, "train", recipe, "output_dir=" + output], preexec_fn=limit,
                            restore_signals=False, capture_output=True, text=True)
    if result.returncode == -signal.SIGBUS:
        # Mesa 26's CPU driver keeps device memory in files of its own, and cannot have them here.
        print("SKIPPED: a limit on file sizes (this driver's memory falls under it)")
        return
    check_left(output, before, result)
    train(recipe, "output_dir=" + output)
    check_same(whole, output, "after a failed write")


def check_small_disk(here):
    """Weights of 12 MB, checkpoints of 49 MB, and a disk on which a second one begins but does not
    end."""
    disk = os.path.join(here, "disk")
    os.makedirs(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % (88 * MEGABYTE), "tmpfs", disk],
                      capture_output=True).returncode:
        print("SKIPPED: a small disk (only root can mount a tmpfs)")
        return
    try:
        base = make_base(os.path.join(here, "large"), vocab_size=32768, hidden_size=96)
        recipe = make_recipe(os.path.join(here, "large.yaml"), model_name_or_path=base,
                             dataset=os.path.join(here, "data.json"), max_steps=8, cutoff_len=64,
                             global_batch_size=1, output_dir=os.path.join(disk, "out"))
        output = os.path.join(disk, "out")
        result = run("train", recipe)
        check(os.path.isdir(os.path.join(output, "checkpoint-4")), "the first one fits", result)
        kept = read_folder(os.path.join(output, "checkpoint-4"))
        check_fails(result, 1, "writing", "checkpoint-8", "space")
        check(sorted(os.listdir(output)) == ["checkpoint-4", "recipe.yaml", "trainer_log.jsonl"],
              "nothing is left of the second: %s" % os.listdir(output))
        resumed = train(recipe, "save_strategy=no")
        check("checkpoint-4 after step 4" in resumed.stdout, "the first can be resumed from", resumed)
        check(read_folder(os.path.join(output, "checkpoint-4")) == kept, "and is as it was")
        with open(os.path.join(disk, "filler"), "wb") as filler:
            try:
                while True:
                    filler.write(bytes(MEGABYTE))
                    filler.flush()
            except OSError:
                pass
        check_fails(run("train", recipe, "output_dir=" + os.path.join(disk, "late")), 1)
    finally:
        subprocess.run(["umount", disk])


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base,
                         dataset=make_data(os.path.join(here, "data.json")), max_steps=8)
    whole = os.path.join(here, "whole")
    train(recipe, "output_dir=" + whole)
    check_file_limit(here, recipe, whole)
    check_small_disk(here)
finish()
