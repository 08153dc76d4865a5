#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: bench_data.py LEWIN TOKENIZER_FOLDER CONVERSATIONS.json WORK_FOLDER
           [--records N] [--compared N] [--python COMMAND] [--only-compare]

Prints how fast Lewin turns conversations into tokens and labels, what a second start costs, and the
most memory it holds, beside Hugging Face's tokenizers on the same records in the same run.

The file is made by repeating CONVERSATIONS, an array in ShareGPT form, with a number in each turn, up
to N records (default 1200000). The first --compared of them (default 60000) go through both:
two Python processes that do to each record what LLaMA-Factory's map with num_proc 2 does (json, the
elements of the template qwen, one call of the tokenizer for each, ids and labels, an Arrow file where
pyarrow is there), without the wrapper of transformers around the tokenizer and without the passes
that `datasets` makes before, both of which take longer; and Lewin on as many cores. --python: the
command of a Python that has tokenizers (default: python3).
"""
import argparse
import itertools
import json
import multiprocessing
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time

SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
PROCESSES = 2


def make_file(path, source, count):
    """`count` records as JSON Lines, if they are not there already."""
    if os.path.exists(path):
        return
    with open(source) as file:
        records = json.load(file)
    with open(path + ".tmp", "w") as file:
        for number, record in zip(range(count), itertools.cycle(records)):
            turns = [{"from": turn["from"], "value": "%s (%d)" % (turn["value"], number * 7919 % count)}
                     for turn in record["conversations"]]
            file.write(json.dumps({"conversations": turns}) + "\n")
    os.rename(path + ".tmp", path)


def cut_file(path, whole, count):
    with open(whole) as file, open(path, "w") as out:
        out.writelines(itertools.islice(file, count))


# --- Hugging Face ---------------------------------------------------------------------------------

def map_shard(arguments):
    """Lines number % PROCESSES == shard; returns how many tokens came out."""
    path, tokenizer_file, shard = arguments
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(tokenizer_file)
    try:
        import pyarrow
        schema = pyarrow.schema([("input_ids", pyarrow.list_(pyarrow.int32())),
                                 ("attention_mask", pyarrow.list_(pyarrow.int8())),
                                 ("labels", pyarrow.list_(pyarrow.int64()))])
        writer = pyarrow.ipc.new_stream("%s.%d.arrow" % (path, shard), schema)
    except ImportError:
        writer = None

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False).ids
    tokens = 0
    with open(path) as file:
        lines = itertools.islice(file, shard, None, PROCESSES)
        while batch := list(itertools.islice(lines, 1000)):
            columns = ([], [], [])
            for line in batch:
                turns = json.loads(line)["conversations"]
                ids = encode("<|im_start|>system\n" + SYSTEM + "<|im_end|>\n")
                labels = [-100] * len(ids)
                for turn in turns:
                    if turn["from"] == "human":
                        part = encode("<|im_start|>user\n" + turn["value"]
                                      + "<|im_end|>\n<|im_start|>assistant\n")
                        labels += [-100] * len(part)
                    else:
                        part = encode(turn["value"] + "<|im_end|>\n")
                        labels += part
                    ids += part
                columns[0].append(ids[:2048])
                columns[1].append([1] * len(ids[:2048]))
                columns[2].append(labels[:2048])
                tokens += len(columns[0][-1])
            if writer:
                writer.write_batch(pyarrow.record_batch(list(columns), schema=schema))
    return tokens


def map_all(path, tokenizer_file):
    """What --map does, in a Python that has tokenizers: seconds and tokens on stdout."""
    began = time.monotonic()
    with multiprocessing.Pool(PROCESSES) as pool:
        tokens = sum(pool.map(map_shard, [(path, tokenizer_file, i) for i in range(PROCESSES)]))
    print(json.dumps({"seconds": time.monotonic() - began, "tokens": tokens}))


# --- Lewin ----------------------------------------------------------------------------------------

def check(lewin, tokenizer_folder, path, cache):
    """`lewin data check` in a process of its own: seconds, peak MiB, its figures."""
    began = time.monotonic()
    process = subprocess.Popen([lewin, "data", "check", "--json", "--template", "qwen", "--model",
                                tokenizer_folder, "--cache", cache, path],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text, message = process.communicate()
    if process.returncode:
        sys.exit(message.decode())
    return time.monotonic() - began, json.loads(text)["total"]


def timed_check(*arguments):
    """The same, and the peak memory of that process alone."""
    read, write = os.pipe()
    if os.fork() == 0:
        seconds, total = check(*arguments)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        os.write(write, json.dumps([seconds, total, peak]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.wait()
    return json.loads(text) if text else sys.exit("the check failed")


def report(name, count, size, seconds, note):
    print("%-34s %9d %8.1f s %9.0f examples/s %7.1f MB/s  %s"
          % (name, count, seconds, count / seconds, size / seconds / 1e6, note), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    for name in ("lewin", "tokenizer", "conversations", "work"):
        parser.add_argument(name)
    parser.add_argument("--records", type=int, default=1200000)
    parser.add_argument("--compared", type=int, default=60000)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--only-compare", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    whole = os.path.join(options.work, "whole-%d.jsonl" % options.records)
    part = os.path.join(options.work, "part.jsonl")
    cache = os.path.join(options.work, "cache")
    for folder in (cache, cache + "-part"):
        shutil.rmtree(folder, ignore_errors=True)
    make_file(whole, options.conversations, options.records)
    if options.compared:
        cut_file(part, whole, options.compared)
        size = os.path.getsize(part)
        mapped = subprocess.run(
            [*shlex.split(options.python), os.path.abspath(__file__), "--map", part,
             os.path.join(options.tokenizer, "tokenizer.json")], capture_output=True, text=True)
        if mapped.returncode:
            sys.exit(mapped.stderr)
        theirs = json.loads(mapped.stdout)
        seconds, ours, peak = timed_check(options.lewin, options.tokenizer, part, cache + "-part")
        report("tokenizers, 2 processes", options.compared, size, theirs["seconds"],
               "%d tokens" % theirs["tokens"])
        report("lewin", options.compared, size, seconds,
               "%d tokens, %.0f MiB" % (ours["tokens"], peak))
        if theirs["tokens"] != ours["tokens"]:
            sys.exit("the tokens differ in number")
    if options.only_compare:
        return
    size = os.path.getsize(whole)
    for name in ("lewin, first start", "lewin, second start", "lewin, third start"):
        seconds, ours, peak = timed_check(options.lewin, options.tokenizer, whole, cache)
        report(name, options.records, size, seconds, "%d tokens, %.0f MiB" % (ours["tokens"], peak))
    kept = sum(entry.stat().st_size for entry in os.scandir(os.path.join(cache, "tokens")))
    print("data %.0f MB, cache %.0f MB" % (size / 1e6, kept / 1e6))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--map"]:
        map_all(*sys.argv[2:])
    else:
        main()
