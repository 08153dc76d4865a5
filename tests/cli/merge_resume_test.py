# SPDX-License-Identifier: Apache-2.0
"""lewin merge --resume: a merge that is killed or interrupted at any moment leaves nothing under its
name, and goes on behind its whole files to the same bytes; what does not belong to it is refused."""
import os
import random
import signal
import subprocess
import sys
import time

from lewin_test import LEWIN, check, check_fails, finish, folder, run, skip

if sys.platform.startswith("win"):
    skip("no signals to stop a merge by")


def content(path):
    return {name: open(os.path.join(path, name), "rb").read() for name in sorted(os.listdir(path))}


def whole(path):
    beside = path + ".lewin-tmp"
    return sorted(name for name in os.listdir(beside) if name.endswith(".safetensors")) \
        if os.path.isdir(beside) else []


def stop(arguments, out, number, wanted):
    """Starts the merge and stops it once `wanted` files are whole; False where it was faster."""
    process = subprocess.Popen([LEWIN, "merge", *arguments, "-o", out], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    while process.poll() is None and len(whole(out)) < wanted:
        time.sleep(0.0005)
    process.send_signal(number)
    message = process.communicate()[1]
    return process.returncode != 0, message


with folder() as work:
    for name in ("one", "two"):
        made = run("init", "8m", "-o", work + "/" + name, "--dtype", "float32",
                   "--seed", "1" if name == "one" else "2")
        check(made.returncode == 0, "init", made)
    models = [work + "/one", work + "/two"]
    flags = ["--shard-size", "2", "--weights", "0.3,0.7"]
    done = run("merge", *models, *flags, "-o", work + "/wanted")
    check(done.returncode == 0 and len(os.listdir(work + "/wanted")) > 10, "small files", done)
    wanted = content(work + "/wanted")
    draws = random.Random(4)
    out, killed = work + "/out", 0
    for attempt in range(30):
        stopped, _ = stop([*models, *flags, "--resume"], out, signal.SIGKILL, draws.randrange(0, 6))
        if not stopped:
            break
        killed += 1
        check(not os.path.exists(out), "a killed merge leaves no folder under its name")
    check(killed > 0, "it was killed at least once")
    if not os.path.exists(out):
        result = run("merge", *models, *flags, "-o", out, "--resume")
        check(result.returncode == 0, "it goes on", result)
    check(content(out) == wanted, "to the same bytes after %d kills" % killed)
    check(not os.path.exists(out + ".lewin-tmp"), "and leaves nothing beside")

    out = work + "/interrupted"
    for attempt in range(20):
        stopped, message = stop([*models, *flags], out, signal.SIGINT, 2)
        if stopped:
            break
        os.rename(out, "%s-%d" % (out, attempt))
    check(stopped and "--resume" in message and len(whole(out)) >= 2, "Ctrl-C says how to go on: " + message)
    kept = whole(out)[0]
    stamp = os.stat(out + ".lewin-tmp/" + kept).st_mtime_ns
    check_fails(run("merge", *models, "--shard-size", "2", "--weights", "0.5,0.5", "-o", out, "--resume"),
                3, "another recipe", "--resume")
    check(len(whole(out)) >= 2, "which touches nothing")
    result = run("merge", *models, *flags, "-o", out, "--resume")
    check(result.returncode == 0 and content(out) == wanted, "the right one goes on", result)
    check(os.stat(out + "/" + kept).st_mtime_ns == stamp, "what was whole was not made again")

    out = work + "/anew"
    for attempt in range(20):
        stopped, _ = stop([*models, *flags], out, signal.SIGKILL, 2)
        if stopped:
            break
        os.rename(out, "%s-%d" % (out, attempt))
    result = run("merge", *models, "-o", out)
    check(result.returncode == 0 and os.path.exists(out + "/model.safetensors"),
          "without --resume it begins anew", result)
    check(not os.path.exists(out + ".lewin-tmp"), "and what was left is gone")
finish()
