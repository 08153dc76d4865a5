# SPDX-License-Identifier: Apache-2.0
"""lewin init: shapes, statistics and repeatability of the weights, and what must be refused."""
import json
import math
import os

import model_folder
from lewin_test import check, check_fails, finish, folder, run


def moments(entry):
    numbers = model_folder.decode(entry[0], entry[2])
    mean = sum(numbers) / len(numbers)
    return mean, math.sqrt(sum((x - mean) ** 2 for x in numbers) / len(numbers))


def content(path):
    with open(path, "rb") as file:
        return file.read()


with folder() as work:
    listed = run("init", "--list")
    check(listed.returncode == 0 and "qwen2.5-7b" in listed.stdout and "tiny" in listed.stdout,
          "presets are listed", listed)
    for line in listed.stdout.splitlines():
        check(len(line.split()) > 1, "a preset has a summary")

    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        made = run("init", "tiny", "-o", "%s/%s" % (work, name), "--seed", seed, "--dtype", "float32")
        check(made.returncode == 0, "init tiny", made)
    first, again, other = (content("%s/%s/model.safetensors" % (work, n)) for n in "abc")
    check(first == again, "the same seed gives the same bytes")
    check(first != other, "another seed gives others")
    config = json.load(open(work + "/a/config.json"))
    check(config["architectures"] == ["Qwen2ForCausalLM"] and config["torch_dtype"] == "float32",
          "config.json")
    check(os.path.exists(work + "/a/generation_config.json"), "generation_config.json")

    tensors = model_folder.read(work + "/a")
    check("lm_head.weight" not in tensors, "a tied model has no head")
    check(tensors["model.embed_tokens.weight"][1] == [config["vocab_size"], config["hidden_size"]],
          "the embedding's shape")
    for name, entry in tensors.items():
        mean, deviation = moments(entry)
        if name.endswith("norm.weight"):
            check((mean, deviation) == (1, 0), "%s is 1" % name)
        elif name.endswith(".bias"):
            check((mean, deviation) == (0, 0), "%s is 0" % name)
        else:  # five deviations of the estimates
            count = len(entry[2]) // 4
            check(abs(mean) < 5 * 0.02 / math.sqrt(count), "%s has mean 0, not %g" % (name, mean))
            check(abs(deviation - 0.02) < 5 * 0.02 / math.sqrt(2 * count),
                  "%s has deviation 0.02, not %g" % (name, deviation))

    # The type changes only the rounding.
    run("init", "tiny", "-o", work + "/half", "--seed", "7")
    halves = model_folder.read(work + "/half")
    for name, entry in tensors.items():
        numbers = model_folder.decode(entry[0], entry[2])
        check(halves[name][2] == model_folder.encode("BF16", numbers), "%s rounded to bf16" % name)

    config.update(tie_word_embeddings=False, pad_token_id=3, initializer_range=0.5)
    with open(work + "/config.json", "w") as file:
        json.dump(config, file)
    made = run("init", work + "/config.json", "-o", work + "/d")
    check(made.returncode == 0, "init from a file", made)
    tensors = model_folder.read(work + "/d")
    rows = model_folder.decode(*tensors["model.embed_tokens.weight"][::2])
    width = config["hidden_size"]
    check(not any(rows[3 * width:4 * width]) and all(rows[4 * width:5 * width]), "the padding row is 0")
    check(abs(moments(tensors["lm_head.weight"])[1] - 0.5) < 0.05, "initializer_range is used")

    data = os.environ["LEWIN_TEST_DATA"]
    made = run("init", "tiny", "-o", work + "/e", "--tokenizer", data + "/tokenizers/qwen2")
    check(made.returncode == 0 and content(work + "/e/tokenizer.json")
          == content(data + "/tokenizers/qwen2/tokenizer.json"), "the tokenizer is copied", made)
    shown = json.load(open(work + "/e/config.json"))
    check("eos_token_id" in shown and shown["vocab_size"] >= 512, "and config.json fits it")

    out = work + "/none"
    printed = run("init", "8m", "--print")
    check(printed.returncode == 0, "init --print", printed)
    check(json.loads(printed.stdout)["hidden_size"] == 256, "the preset's config is printed")
    check_fails(run("init", "no-such-preset", "--print"), 2, "no-such-preset", "--list")
    check_fails(run("init", "no-such-preset", "-o", out), 2, "no-such-preset", "--list")
    check_fails(run("init", "tiny"), 2, "-o")
    check_fails(run("init", "tiny", "-o", out, "--dtype", "int4"), 2, "int4")
    check_fails(run("init", "tiny", "-o", work + "/a"), 3, "already holds")
    for change, part in (({"architectures": ["NoSuchModel"]}, "NoSuchModel"),
                         ({"hidden_size": 1 << 40}, "hidden_size"),
                         ({"hidden_size": -8}, "hidden_size"), ({"vocab_size": "many"}, "vocab_size")):
        with open(work + "/bad.json", "w") as file:
            json.dump({**config, **change}, file)
        check_fails(run("init", work + "/bad.json", "-o", out), 3, part)
    with open(work + "/bad.json", "w") as file:
        file.write('{"architectures": [')
    check_fails(run("init", work + "/bad.json", "-o", out), 3, "bad.json")
    check(not os.path.exists(out), "nothing was written")
finish()
