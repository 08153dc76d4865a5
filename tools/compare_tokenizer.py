#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: compare_tokenizer.py BUILD_FOLDER DATA.json... -- TOKENIZER_FOLDER...

The rate of this program's tokenizer beside that of Hugging Face's library (Python module
tokenizers), with one thread and with two, each message of the data encoded by itself. Theirs is the
best of encode, encode_batch and encode_batch_fast, ours that of build/tests/bench/tokenizer; each is
the best of several passes, and the two take turns.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

PASSES, TURNS = 5, 3


def messages(value):
    """All texts of records but their keys and roles."""
    if isinstance(value, str):
        return [value] if len(value) > 20 else []
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in values for text in messages(part)]


def measure_theirs(folder, texts_path):
    """Run in a process of its own, since the library reads its settings once."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    with open(texts_path, encoding="utf-8") as file:
        texts = json.load(file)
    ways = [lambda: tokenizer.encode_batch(texts, add_special_tokens=False),
            lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
            lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts]]
    best = None
    for way in ways:
        for _ in range(PASSES):
            start = time.perf_counter()
            way()
            seconds = time.perf_counter() - start
            best = seconds if best is None or seconds < best else best
    print(sum(len(text.encode()) for text in texts) / best / 1e6)


def theirs(folder, texts_path, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads),
                       TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    return float(subprocess.check_output(
        [sys.executable, __file__, "--theirs", folder, texts_path], env=environment))


def ours(build, folder, texts_path, threads):
    line = subprocess.check_output(
        [os.path.join(build, "tests/bench/tokenizer"), folder, texts_path, str(threads)], text=True)
    return float(line.split(": ")[1].split()[0])


def main(build, files, folders):
    texts = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            texts += messages(json.load(file))
    with tempfile.TemporaryDirectory() as here:
        path = os.path.join(here, "texts.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(texts, file)
        print("%d messages, %.2f MB" % (len(texts), sum(len(t.encode()) for t in texts) / 1e6))
        for folder in folders:
            for threads in (1, 2):
                rates = [(ours(build, folder, path, threads), theirs(folder, path, threads))
                         for _ in range(TURNS)]
                mine, other = (max(column) for column in zip(*rates))
                print("%s, %d thread%s: %.1f MB/s, theirs %.1f, %.1f times" % (
                    os.path.basename(folder), threads, "s"[:threads - 1], mine, other,
                    mine / other))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--theirs"]:
        measure_theirs(*sys.argv[2:])
    elif "--" in sys.argv[2:]:
        cut = sys.argv.index("--")
        main(sys.argv[1], sys.argv[2:cut], sys.argv[cut + 1:])
    else:
        print(__doc__.split("\n")[0], file=sys.stderr)
        sys.exit(2)
