# SPDX-License-Identifier: Apache-2.0
"""What `lewin train` and `lewin data check` keep of encoded data: used by a second start, made anew when
the data changed or the file is damaged, left by nobody half-made, made once by two runs at a time, and a
clear error where it cannot be kept. bad_records.jsonl, and the JSON of data check.
"""
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import time

from lewin_test import LEWIN, check, check_fails, finish, folder, run
from training import TOKENIZER, conversation, losses, make_base, make_data, make_recipe, train


def data_check(here, *arguments, cache="cache"):
    return run("data", "check", "--cache", os.path.join(here, cache), *arguments)


def tokens(here, cache="cache"):
    return glob.glob(os.path.join(here, cache, "tokens", "*.tokens"))


def write_records(path, records):
    with open(path, "w") as file:
        for record in records:
            file.write((record if isinstance(record, str) else json.dumps(record)) + "\n")
    return path


def check_second_start(here, recipe):
    """Encoded once; the same run again, with another order, takes the file that is there."""
    def start(output, *more):
        return train(recipe, "output_dir=" + os.path.join(here, output), "--cache",
                     os.path.join(here, "cache"), *more)
    first, second = start("one"), start("two", "seed=3")
    check("24 records in" in first.stdout, "the first run encodes", first)
    check("24 records from an earlier run" in second.stdout, "the second finds that", second)
    check(len(tokens(here)) == 1, "in one file")
    third = start("three")
    check(losses(os.path.join(here, "one")) == losses(os.path.join(here, "three")),
          "and trains as the first did", third)
    anew = start("four", "overwrite_cache=true")
    check("24 records in" in anew.stdout, "overwrite_cache encodes anew", anew)
    kept = os.path.join(here, "kept")
    for word in "24 records in", "from an earlier run":
        named = start("five", "tokenized_path=" + kept, "overwrite_output_dir=true")
        check(word in named.stdout and glob.glob(kept + "/*.tokens"), "tokenized_path keeps it", named)


def check_changes(here):
    """Other bytes of the same length and under the same times are other data."""
    path = write_records(os.path.join(here, "changing.jsonl"), [conversation(["one", "two"])])
    arguments = ["--model", TOKENIZER, "--template", "qwen", path]
    data_check(here, *arguments, cache="changes")
    times = os.stat(path)
    with open(path, "r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace("two", "tow"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = data_check(here, *arguments, cache="changes")
    check("1 records in" in changed.stderr, "changed data is encoded", changed)
    again = data_check(here, *arguments, "--cutoff-len", 20, cache="changes")
    check("1 records in" in again.stderr, "and so is data that is cut elsewhere", again)
    copy = os.path.join(here, "copy.jsonl")
    shutil.copy(path, copy)
    found = data_check(here, *arguments[:-1], copy, cache="changes")
    check("from an earlier run" in found.stderr, "a copy is the same data", found)


def check_damage(here):
    path = make_data(os.path.join(here, "damaged.json"))
    arguments = ["--model", TOKENIZER, "--template", "qwen", path]
    whole = data_check(here, *arguments, cache="damage")
    [kept] = tokens(here, "damage")
    with open(kept, "rb") as file:
        content = file.read()
    for damaged in (content[:-1], content[:1000], b"", b"x" + content[1:]):
        with open(kept, "wb") as file:
            file.write(damaged)
        mended = data_check(here, *arguments, cache="damage")
        check(mended.stdout == whole.stdout, "the same is found", mended)
        check("anew" in mended.stderr and kept in mended.stderr, "the file is named", mended)
        with open(kept, "rb") as file:
            check(file.read() == content, "and made again, byte for byte")


def check_age(here):
    """What nobody used for 30 days goes when another cache is made; used ones and other files stay."""
    paths = [write_records(os.path.join(here, "age%d.jsonl" % i), [conversation(["q%d" % i, "a"])])
             for i in range(3)]
    kept = os.path.join(here, "age", "tokens")
    data_check(here, paths[0], cache="age")
    old = tokens(here, "age")
    data_check(here, paths[1], cache="age")
    other = os.path.join(kept, "mine.tmp")
    with open(other, "w"):
        pass
    month = time.time() - 31 * 24 * 3600
    for used in glob.glob(kept + "/*.used"):
        os.utime(used, (month, month))
    data_check(here, paths[1], cache="age")  # which is used again
    data_check(here, paths[2], cache="age")
    left = tokens(here, "age")
    check(len(left) == 2 and old[0] not in left, "the old one is gone: %s" % left)
    check(not glob.glob(old[0].replace(".tokens", ".*")), "with all that belongs to it")
    check(os.path.exists(other), "and nothing else")


def check_pipe(here):
    """What comes through a pipe is encoded each time, under the name of what came."""
    path = os.path.join(here, "data.json")
    arguments = ["--model", TOKENIZER, "--template", "qwen"]
    with open(path) as file:
        piped = run("data", "check", "--cache", os.path.join(here, "pipe"), *arguments, "/dev/stdin",
                    stdin=file.read())
    check(piped.returncode == 0 and "24 records, 24 good" in piped.stdout, "a pipe", piped)
    found = data_check(here, *arguments, path, cache="pipe")
    check("from an earlier run" in found.stderr, "the file with the same bytes is found", found)
    left = {name.partition(".")[2] for name in os.listdir(os.path.join(here, "pipe", "tokens"))}
    check(left <= {"tokens", "used", "seen"}, "no lock is left: %s" % left)


def big_data(here, count=60000):
    return write_records(os.path.join(here, "big.jsonl"),
                         (conversation(["question %d" % i, "answer " * (i % 50)])
                          for i in range(count)))


def check_killed(here):
    """A run that is killed while it encodes leaves nothing that counts; two at a time encode once."""
    path = big_data(here)
    command = [LEWIN, "data", "check", "--cache", os.path.join(here, "killed"), "--model", TOKENIZER,
               "--template", "qwen", path]

    def begun():
        """The files being made, as far as they have come."""
        found = glob.glob(os.path.join(here, "killed", "tokens", "*.tmp"))
        return [(name, os.stat(name).st_mtime_ns) for name in found if os.path.getsize(name)]

    def started():
        before = begun()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and begun() in ([], before):
            time.sleep(0.001)
        return process
    killed = started()
    killed.kill()
    killed.communicate()
    check(killed.returncode == -signal.SIGKILL, "it was killed while it encoded")
    check(not tokens(here, "killed"), "nothing has the name of a cache")
    first = started()
    stopped = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    second = run(*command[1:])
    stopped.communicate()
    _, message = first.communicate()
    check(first.returncode == 0 and "60000 records in" in message, "the first encodes: " + message)
    check("waiting for another run" in second.stderr and "from an earlier run" in second.stderr,
          "the second waits for it", second)
    check(stopped.returncode == 0, "and so does a third")
    check(len(tokens(here, "killed")) == 1, "one file came of it")
    left = [name for name in os.listdir(os.path.join(here, "killed", "tokens"))
            if name.endswith(".tmp")]
    check(not left, "nothing is left of the killed one: %s" % left)
    interrupted = subprocess.Popen([*command, "--cutoff-len", "30"], stderr=subprocess.PIPE, text=True,
                                   stdout=subprocess.PIPE)
    pattern = os.path.join(here, "killed", "tokens", "*.tmp")
    while interrupted.poll() is None and not glob.glob(pattern):
        time.sleep(0.001)
    interrupted.send_signal(signal.SIGINT)
    _, message = interrupted.communicate()
    check(interrupted.returncode == 130 and "nothing is kept" in message,
          "Ctrl-C: %d, %s" % (interrupted.returncode, message))
    check(not glob.glob(pattern), "and removes what it began")


def check_full_disk(here):
    """No file may grow beyond 100 kB: the error names the folder and how to choose another."""
    path = os.path.join(here, "big.jsonl")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    result = subprocess.run([LEWIN, "data", "check", "--cache", os.path.join(here, "full"), "--model",
                             TOKENIZER, "--template", "qwen", path], preexec_fn=limit,
                            restore_signals=False, capture_output=True, text=True)
    check_fails(result, 1, os.path.join(here, "full", "tokens"), "--cache DIR", "File too large")
    check(not tokens(here, "full"), "nothing has the name of a cache")
    left = os.listdir(os.path.join(here, "full", "tokens"))
    check(not any(name.endswith(".tmp") for name in left), "nothing is left: %s" % left)
    with open(os.path.join(here, "file"), "w"):
        pass
    check_fails(data_check(here, path, cache="file"), 3, os.path.join(here, "file"), "--cache DIR")


def check_bad_records(here, base):
    """Stop by default, with file and line; skip lists them, also from a cache."""
    good = [conversation(["question %d" % i, "answer %d" % i]) for i in range(6)]
    path = write_records(os.path.join(here, "bad.jsonl"),
                         [*good[:3], '{"conversations": 3}', *good[3:], '{"conver', good[0]])
    recipe = make_recipe(os.path.join(here, "bad.yaml"), model_name_or_path=base, dataset=path,
                         output_dir=os.path.join(here, "bad"), max_steps=1)
    cache = ["--cache", os.path.join(here, "badcache")]
    stopped = train(recipe, *cache, status=3)
    check_fails(stopped, 3, path + ", line 4", "on_bad_record: skip")
    check(not tokens(here, "badcache"), "nothing is kept of data that stopped the run")
    for _ in range(2):
        skipped = train(recipe, "on_bad_record=skip", "overwrite_output_dir=true", *cache)
        check("2 bad records" in skipped.stdout, "they are counted", skipped)
        with open(os.path.join(here, "bad", "bad_records.jsonl")) as file:
            rows = [json.loads(line) for line in file]
        check([(row["file"], row["line"]) for row in rows] == [(path, 4), (path, 8)],
              "and listed: %s" % rows)
        check(all(row["reason"] for row in rows), "with their reasons")
    check_fails(train(recipe, "output_dir=" + os.path.join(here, "bad2"), *cache, status=3), 3,
                path + ", line 4")
    checked = run("data", "check", recipe, "--json", *cache)
    check(checked.returncode == 3, "data check of the recipe", checked)
    report = json.loads(checked.stdout)
    [part] = report["datasets"]
    check([row["line"] for row in part["bad_records"]] == [4, 8], "the same list: %s" % part)
    check((part["records"], part["good"], part["bad"], part["duplicates"]) == (9, 7, 2, 1),
          "counts: %s" % part)
    check(report["status"] == 3 and "2 of 9" in report["error"], "the failure is in it: %s" % report)
    check(report["run"]["examples"] == 7 and report["run"]["steps"] == 1, "and the run: %s" % report)


def check_report(here):
    """Two data sets, duplicates within and across them, steps; JSON also where nothing can be read."""
    same = [conversation(["a", "b"]), conversation(["c", "d"]), conversation(["a", "b"])]
    one = write_records(os.path.join(here, "one.jsonl"), same)
    two = write_records(os.path.join(here, "two.jsonl"), [conversation(["c", "d"]),
                                                           conversation(["e", "f"])])
    result = data_check(here, one, two, "--json")
    report = json.loads(result.stdout)
    check([(part["duplicates"], part["repeated_from_others"]) for part in report["datasets"]]
          == [(1, 0), (0, 1)], "duplicates", result)
    check("tokens" not in report["total"], "no tokens without a model", result)
    result = data_check(here, one, two, "--json", "--model", TOKENIZER, "--template", "qwen",
                        "--batch", 2, "--epochs", 4)
    report = json.loads(result.stdout)
    check(report["run"] == {"examples": 5, "held_out": 0, "examples_per_step": 2,
                            "steps_per_epoch": 3, "steps": 12, "epochs": 4}, "steps", result)
    total = report["total"]
    check(total["tokens"] == sum(part["tokens"] for part in report["datasets"])
          and 0 < total["trained_tokens"] < total["tokens"]
          and total["shortest"] <= total["median"] <= total["longest"], "tokens", result)
    failed = data_check(here, one, os.path.join(here, "absent.jsonl"), "--json")
    report = json.loads(failed.stdout)
    check(failed.returncode == 3 and report["status"] == 3 and "absent.jsonl" in report["error"],
          "valid JSON when a file is missing", failed)
    failed = data_check(here, one, "--json", "--model", os.path.join(here, "nowhere"))
    check(json.loads(failed.stdout)["status"] == failed.returncode != 0, "or a model", failed)


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, max_steps=4,
                         dataset=make_data(os.path.join(here, "data.json")), save_strategy="no")
    check_second_start(here, recipe)
    check_changes(here)
    check_damage(here)
    check_age(here)
    check_pipe(here)
    check_killed(here)
    check_full_disk(here)
    check_bad_records(here, base)
    check_report(here)
finish()
