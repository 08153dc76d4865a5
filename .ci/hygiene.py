#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: hygiene.py BUILD_FOLDER

Holds the repository to the rules that no compiler checks: an SPDX line at the top of every source
file, no file of more than 500 lines that does not say why, only lw_ symbols out of our libraries,
headers that compile alone, and arrows that only point down (nothing below cli/ prints, exits or reads
the environment; nothing but engine/gpu includes vulkan.h).
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

LONGEST_FILE = 500
SOURCE = re.compile(r"\.(c|h|glsl|comp|sh|py)$|^\.ci/")
LIBRARY_FOLDERS = ("engine/", "trainer/", "merger/")
OUTPUT_CALLS = re.compile(r"\b(printf|puts|putchar|fputs|exit|_exit|abort|getenv|secure_getenv)\s*\(")


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.split("\0") if path and os.path.isfile(path)]


def check_text(path, findings):
    """The rules that one file's text can break."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        findings.append(f"{path}: no SPDX line at its top")
    opening = "\n".join(lines[:20]).lower()
    if len(lines) > LONGEST_FILE and "lines because" not in opening:
        findings.append(
            f"{path}: {len(lines)} lines; split it, or say at its top '... lines because ...'"
        )
    if not path.endswith((".c", ".h")) or not path.startswith(LIBRARY_FOLDERS):
        return
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
        call = OUTPUT_CALLS.search(code)
        if call and not path.startswith("engine/base/"):
            findings.append(f"{path}:{number}: {call.group(1)}() below cli/")
        if "vulkan.h" in line and "#include" in line and not path.startswith("engine/gpu/"):
            findings.append(f"{path}:{number}: includes vulkan.h outside engine/gpu")


def check_symbols(build, findings):
    """Every symbol that our static libraries give out begins with lw_."""
    for folder, _, names in os.walk(build):
        for name in names:
            relative = os.path.relpath(os.path.join(folder, name), build)
            if not name.endswith(".a") or not relative.startswith(LIBRARY_FOLDERS):
                continue
            listing = subprocess.run(
                ["nm", "-g", "--defined-only", os.path.join(folder, name)],
                check=True, capture_output=True, text=True,
            )
            for line in listing.stdout.splitlines():
                fields = line.split()
                if len(fields) == 3 and not fields[2].startswith("lw_"):
                    findings.append(f"{relative}: gives out {fields[2]}, which lacks the lw_ prefix")


def compile_flags(build):
    """The include folders and definitions of the project's own compile commands."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    flags = {}
    for entry in commands:
        folder = os.path.abspath(entry["directory"])
        for word in shlex.split(entry["command"]):
            if word.startswith("-I"):
                flags["-I" + os.path.join(folder, word[2:])] = None
            elif word.startswith(("-D", "-std=")):
                flags[word] = None
    return list(flags)


def check_header(path, flags):
    """The first complaint of the compiler about a file that includes only this header."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(f'#include "{path}"\ntypedef int lw_not_empty;\n')
        source.flush()
        run = subprocess.run(
            ["cc", "-fsyntax-only", "-Wall", "-I.", *flags, source.name],
            capture_output=True, text=True,
        )
    if run.returncode == 0:
        return None
    return f"{path}: does not compile alone: {run.stderr.strip().splitlines()[0]}"


def main(build):
    findings = []
    files = tracked_files()
    for path in files:
        if SOURCE.search(path):
            check_text(path, findings)
    check_symbols(build, findings)
    flags = compile_flags(build)
    headers = [path for path in files if path.endswith(".h")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: check_header(path, flags), headers)
        findings += [result for result in results if result]
    for finding in findings:
        print(f"hygiene: {finding}")
    if not findings:
        print(f"hygiene: {len(files)} files, {len(headers)} headers: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
