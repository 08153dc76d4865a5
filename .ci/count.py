#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: count.py TESTLOG.json...

Adds up the tests of several meson runs and prints "N passed, N failed" as the last line. A program
that reports its own cases (cmocka) counts with each of them, any other as one. A log that is missing
counts as a failure: its run did not happen.
"""
import json
import re
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}


def count_program(record):
    """The (passed, failed, skipped) cases of one test program."""
    if record["result"] in SKIPPED:
        return 0, 0, 1
    output = record.get("stdout", "") + record.get("stderr", "")
    passed = len(re.findall(r"^\[       OK \]", output, re.M))
    failed = len(re.findall(r"^\[  FAILED  \] \S+$", output, re.M)) // 2
    skipped = len(re.findall(r"^\[  SKIPPED \] \S+$", output, re.M)) // 2
    if record["result"] in GOOD:
        return max(passed, 1), 0, skipped
    return passed, max(failed, 1), skipped


def main(paths):
    passed, failed = 0, 0
    for path in paths:
        run = [0, 0, 0]
        try:
            with open(path, encoding="utf-8") as log:
                for line in log:
                    run = [a + b for a, b in zip(run, count_program(json.loads(line)))]
        except OSError:
            print(f"{path}: no such run")
            run[1] += 1
        print(f"{path}: {run[0]} passed, {run[1]} failed, {run[2]} skipped")
        passed, failed = passed + run[0], failed + run[1]
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
