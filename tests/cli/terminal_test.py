# SPDX-License-Identifier: Apache-2.0
"""What a person at a terminal sees: one progress line that renews itself and never breaks, a prompt
to type at. A pseudoterminal stands in for the person's.
"""
import json
import os
import re
import struct
import sys

from lewin_test import LEWIN, check, finish, folder, skip
from training import TOKENIZER, conversation, make_base, make_data, make_recipe

if sys.platform == "win32":
    skip("pseudoterminals are POSIX's")
import fcntl
import pty
import termios


def look(columns, arguments, typed=b""):
    """Runs lewin on a terminal of this width; returns what appears there and the exit status."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(LEWIN, [LEWIN, *arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(terminal, typed)
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError:  # Linux's way to say that the other side has closed
        pass
    os.close(terminal)
    return seen.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def check_training(recipe, output, columns):
    seen, status = look(columns, ["train", recipe, "output_dir=" + output])
    check(status == 0, "training on a terminal: %d, %s" % (status, seen))
    drawn = re.findall(r"\r(step [^\r\n]*)\x1b\[K", seen)
    check(len(drawn) >= 2, "the line is drawn again: %s" % seen)
    check(max(map(len, drawn)) < columns, "and fits into %d columns: %s" % (columns, drawn))
    plain = [line for line in seen.replace("\r\n", "\n").split("\n") if line.startswith("step")]
    check(all("eval_loss" in line for line in plain), "only what was measured stays: %s" % plain)
    check(len(plain) == 2, "both measurements do: %s" % plain)
    if columns >= 80:
        check(all(re.search(r"ep.* loss .* lr .*norm .* tok.*/s .*:", line) for line in drawn),
              "the line has all its figures: %s" % drawn)


def check_encoding(here, columns):
    """Time left and speed while data is encoded, on one line that goes away."""
    path = os.path.join(here, "large.jsonl")
    with open(path, "w") as file:
        for number in range(60000):
            file.write(json.dumps(conversation(["question %d" % number, "answer " * 20])) + "\n")
    seen, status = look(columns, ["data", "check", "--model", TOKENIZER, "--template", "qwen",
                                  "--cache", os.path.join(here, "cache%d" % columns), path])
    check(status == 0, "data check on a terminal: %d, %s" % (status, seen))
    drawn = re.findall(r"\r(encoding [^\r\n]*)\x1b\[K", seen)
    check(drawn and max(map(len, drawn)) < columns, "a line in %d columns: %s" % (columns, seen))
    check(any(re.search(r" %, \d+:\d\d left, \d+ examples, \d+/s, [\d.]+ MB/s", line)
              for line in drawn), "with all figures: %s" % drawn)
    check("\r\x1b[Kencoded " in seen, "which is taken away at the end: %s" % seen)


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base,
                         dataset=make_data(os.path.join(here, "data.json")), val_size=2, max_steps=6,
                         eval_steps=3, save_strategy="no", output_dir=os.path.join(here, "out"))
    for columns in (50, 80, 160):
        check_training(recipe, os.path.join(here, "out%d" % columns), columns)
    check_encoding(here, 80)
    seen, status = look(80, ["chat", base, "--max-tokens", "4"], b"Hi.\nWho?\n\x04")
    check(status == 0 and seen.count("> ") == 3, "chat asks, and ends with the input: %s" % seen)
finish()
