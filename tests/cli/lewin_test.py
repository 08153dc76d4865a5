# SPDX-License-Identifier: Apache-2.0
"""What the command line's tests share: running the program, and a count of failures.

usage of each test: python3 NAME_test.py LEWIN
"""
import os
import subprocess
import sys
import tempfile

LEWIN = os.path.abspath(sys.argv[1])
SHARED = os.environ.get("LEWIN_SHARED", "")
failures = 0


def run(*arguments, env=None, stdin=None, timeout=600):
    """Runs lewin; returns an object with returncode, stdout and stderr (text)."""
    return subprocess.run([LEWIN, *map(str, arguments)], capture_output=True, text=True, input=stdin,
                          env={**os.environ, **(env or {})}, timeout=timeout, errors="replace")


def check(condition, what, result=None):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
        if result is not None:
            print("  exit status %d\n  stdout: %s\n  stderr: %s"
                  % (result.returncode, result.stdout[-2000:], result.stderr[-2000:]))


def check_fails(result, status, *parts):
    """The command ended with `status` and its message holds all parts."""
    check(result.returncode == status, "exit status %d expected" % status, result)
    for part in parts:
        check(part in result.stderr, "%r in the message" % part, result)


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(77)


def finish():
    print("%d failures" % failures if failures else "ok")
    sys.exit(1 if failures else 0)


def folder():
    """A new empty folder that is removed at the end."""
    return tempfile.TemporaryDirectory(prefix="lewin-test-")
