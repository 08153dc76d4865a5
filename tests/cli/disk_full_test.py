# SPDX-License-Identifier: Apache-2.0
"""A disk too small for the result, and one that fills up while it is written (a small tmpfs): a
clear message, nothing under the name, nothing left over."""
import os
import subprocess
import time

from lewin_test import LEWIN, check, check_fails, finish, folder, run, skip

MEGABYTE = 1 << 20


def mount(path, size):
    os.makedirs(path)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", path],
                          capture_output=True).returncode == 0


def fill_while(disk, command):
    """Runs the command, and takes the disk's free space when it has begun to write."""
    process = subprocess.Popen([LEWIN, *command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while process.poll() is None and not os.path.exists(disk + "/out.lewin-tmp"):
        time.sleep(0.0005)
    with open(disk + "/filler", "wb") as file:
        for size in (MEGABYTE, 4096):  # as much as there is, fast
            position = os.path.getsize(disk + "/filler")
            try:
                while True:
                    os.posix_fallocate(file.fileno(), position, size)
                    position += size
            except OSError:
                pass
    message = process.communicate()[1].decode()
    os.remove(disk + "/filler")
    return process.returncode, message


def filling(disk, command):
    """The command must meet the full disk; when it was faster than the filling, try again."""
    for _ in range(10):
        status, message = fill_while(disk, command)
        if status:
            break
        subprocess.run(["rm", "-r", disk + "/out"])
    check(status == 1, "exit status 1, not %d: %s" % (status, message))
    check("full" in message or "space" in message.lower(), "the message says why: " + message)
    check(not os.listdir(disk), "nothing is left: %s" % os.listdir(disk))


with folder() as work:
    disk = work + "/disk"
    if not hasattr(os, "posix_fallocate") or not mount(disk, 104 * MEGABYTE):
        skip("a tmpfs can only be mounted by root on Linux")
    try:
        for name in ("one", "two"):
            made = run("init", "8m", "-o", work + "/" + name, "--dtype", "float32")
            check(made.returncode == 0, "init", made)
        models = [work + "/one", work + "/two"] * 3
        check_fails(run("init", "74m", "-o", disk + "/out"), 1, "not enough room", "missing")
        check(not os.listdir(disk), "nothing was begun")
        filling(disk, ["merge", *models, "-o", disk + "/out"])
        filling(disk, ["init", "8m", "-o", disk + "/out", "--dtype", "float32"])
    finally:
        subprocess.run(["umount", disk])
finish()
