# SPDX-License-Identifier: Apache-2.0
"""lewin merge: the fixtures bit for bit; mixed types, shards and heads; what must be refused; and
that an interrupted merge leaves nothing under its name."""
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

import model_folder
from lewin_test import LEWIN, SHARED, check, check_fails, finish, folder, run

NAMES = {"model.embed_tokens.weight": [32, 8], "model.norm.weight": [8],
         "model.layers.0.mlp.down_proj.weight": [8, 16], "model.layers.0.self_attn.q_proj.bias": [8]}
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def values(shape, seed):
    """Multiples of 1/16 below 4: exact in all types, and their weighted sums in float32."""
    numbers = random.Random(seed)
    count = 1
    for size in shape:
        count *= size
    return [numbers.randrange(-63, 64) / 16 for _ in range(count)]


def tensors(dtype, seed, names=NAMES):
    return {name: (dtype, shape, model_folder.encode(dtype, values(shape, [seed, name].__repr__())))
            for name, shape in names.items()}


def decoded(entry):
    return model_folder.decode(entry[0], entry[2])


def fixtures(work):
    root = os.path.join(SHARED, "fixtures", "merge")
    if not SHARED or not os.path.isdir(root):
        print("SKIPPED: the fixture merges (%s is not there)" % root)
        return
    base, tuned, other = (os.path.join(root, name) for name in ("base", "tuned", "other"))
    for name, models, weights in (("average", [base, tuned], []),
                                  ("average", [base, tuned], ["--weights", "3,3"]),
                                  ("weighted", [base, tuned], ["--weights", "0.7,0.3"]),
                                  ("linear", [base, tuned, other], ["--weights=1.0,0.6,0.4"])):
        for hidden in ([], ["--hide-caps", "cpu"]):
            out = os.path.join(work, name + str(len(os.listdir(work))))
            result = run("merge", *models, "-o", out, *weights, *hidden)
            check(result.returncode == 0, "the fixture merge %s" % name, result)
            got = model_folder.read(out)
            wanted = model_folder.read_file(os.path.join(root, "expected", name, "model.safetensors"))
            check(got.keys() == wanted.keys(), "%s: the same tensors" % name)
            for key in wanted:
                zero = lambda data: [half & 0x7FFF and half for half in
                                     struct.unpack("<%dH" % (len(data) // 2), data)]  # -0 is 0
                check(got[key][:2] == wanted[key][:2] and zero(got[key][2]) == zero(wanted[key][2]),
                      "%s: %s bit for bit" % (name, key))
            check(open(os.path.join(out, "config.json")).read()
                  == open(os.path.join(base, "config.json")).read(), "the base's config is carried")


def mixtures(work):
    base = model_folder.write(work + "/mixed-base", tensors("F32", 1))
    tuned = model_folder.write(work + "/mixed-tuned", tensors("BF16", 2), shards=3)
    other = model_folder.write(work + "/mixed-other", tensors("F16", 3), shards=2)
    with open(base + "/tokenizer.json", "w") as file:
        file.write("{}")
    weights = [0.5, 0.25, 0.25]
    for dtype, flag in (("F32", None), ("BF16", "bfloat16"), ("F16", "float16")):
        out = work + "/mixed-out-" + dtype
        result = run("merge", base, tuned, other, "-o", out, "--weights", "2,1,1",
                     *(["--dtype", flag] if flag else []))
        check(result.returncode == 0, "a merge of three types", result)
        got, inputs = model_folder.read(out), [model_folder.read(f) for f in (base, tuned, other)]
        for name, shape in NAMES.items():
            sums = [sum(w * x for w, x in zip(weights, xs))
                    for xs in zip(*(decoded(model[name]) for model in inputs))]
            check(got[name] == (dtype, shape, model_folder.encode(dtype, sums)),
                  "%s as %s bit for bit" % (name, dtype))
        config = json.load(open(out + "/config.json"))
        check(config.get("torch_dtype") == flag, "config.json says %s" % flag)
        check(os.path.exists(out + "/tokenizer.json"), "the tokenizer is carried over")
    # More models than one kernel takes.
    models = [model_folder.write("%s/many-%d" % (work, i), tensors("BF16", i)) for i in range(19)]
    result = run("merge", *models, "-o", work + "/many", "--dtype", "float32")
    got, inputs = model_folder.read(work + "/many"), [model_folder.read(f) for f in models]
    for name in NAMES:
        for x, xs in zip(decoded(got[name]), zip(*(decoded(model[name]) for model in inputs))):
            check(abs(x - sum(xs) / 19) < 1e-5, "the average of 19", result)


def heads(work):
    untied_names = {**NAMES, HEAD: [32, 8]}
    tied = model_folder.write(work + "/tied", tensors("BF16", 1))
    tied_with_head = model_folder.write(work + "/tied-with-head", tensors("BF16", 2, untied_names))
    untied = model_folder.write(work + "/untied", tensors("BF16", 3, untied_names),
                                tie_word_embeddings=False)
    for i, pair in enumerate(((tied, tied_with_head), (tied_with_head, tied))):
        result = run("merge", *pair, "-o", "%s/head-%d" % (work, i))
        check(result.returncode == 0 and HEAD not in model_folder.read("%s/head-%d" % (work, i)),
              "a tied base: no head", result)
        check("left out" not in result.stderr, "a head that is the embedding needs no warning", result)
    result = run("merge", tied, untied, "-o", work + "/head-2")
    check(result.returncode == 0 and HEAD not in model_folder.read(work + "/head-2")
          and "warning" in result.stderr and HEAD in result.stderr, "a head of its own is named", result)
    for i, second in enumerate((tied, tied_with_head)):
        out = "%s/head-%d" % (work, 3 + i)
        result = run("merge", untied, second, "-o", out, "--dtype", "float32")
        got, left, right = (model_folder.read(f) for f in (out, untied, second))
        wanted = [(x + y) / 2 for x, y in zip(decoded(left[HEAD]), decoded(right[EMBEDDING]))]
        check(result.returncode == 0 and decoded(got[HEAD]) == wanted,
              "an untied base: the embedding of a tied model is its head", result)
    headless = model_folder.write(work + "/headless", tensors("BF16", 3), tie_word_embeddings=False)
    check_fails(run("merge", headless, untied, "-o", work + "/none"), 3, HEAD, "headless")
    check_fails(run("merge", untied, headless, "-o", work + "/none"), 3, HEAD, "headless")


def buffers(work):
    """The rotary frequencies that Llama 2's folders hold are no parameters."""
    frequencies = {**NAMES, "model.layers.0.self_attn.rotary_emb.inv_freq": [2]}
    plain = model_folder.write(work + "/plain", tensors("BF16", 1))
    older = model_folder.write(work + "/older", tensors("BF16", 2, frequencies))
    for i, pair in enumerate(((plain, older), (older, plain), (older, older))):
        result = run("merge", *pair, "-o", "%s/buffers-%d" % (work, i))
        check(result.returncode == 0 and sorted(model_folder.read("%s/buffers-%d" % (work, i)))
              == sorted(NAMES), "buffers are left out", result)


def refused(work):
    base = model_folder.write(work + "/refused-base", tensors("BF16", 1))
    good = model_folder.write(work + "/refused-good", tensors("BF16", 2))
    out = work + "/refused-out"

    def fails(status, *parts, models=None, flags=()):
        check_fails(run("merge", *(models or (base, good)), "-o", out, *flags), status, *parts)
        check(not os.path.exists(out) and not os.path.exists(out + ".lewin-tmp"),
              "nothing was written for %s" % (parts,))

    broken = tensors("BF16", 2, {"model.embed_tokens.weight": [31, 8], "model.norm.weight": [8],
                                 "model.extra.weight": [4]})
    other = model_folder.write(work + "/refused-shapes", broken)
    fails(3, "refused-shapes: tensor model.embed_tokens.weight has shape [31, 8]", "[32, 8]",
          "tensor model.layers.0.mlp.down_proj.weight is missing",
          "tensor model.layers.0.self_attn.q_proj.bias is missing", "tensor model.extra.weight is not",
          "4 differences", models=(base, other))
    other = model_folder.write(work + "/refused-architecture", tensors("BF16", 2),
                               architectures=["LlamaForCausalLM"])
    fails(3, "LlamaForCausalLM", "Qwen2ForCausalLM", "refused-architecture", models=(base, other))
    other = model_folder.write(work + "/refused-rotation", tensors("BF16", 2), rope_theta=5000.0)
    fails(3, "refused-rotation: config.json rotates", "rope_theta", models=(base, other))
    other = model_folder.write(work + "/refused-heads", tensors("BF16", 2), num_attention_heads=4)
    fails(3, "num_attention_heads", models=(base, other))
    integers = {**tensors("BF16", 2), "model.norm.weight": ("I64", [8], bytes(64))}
    other = model_folder.write(work + "/refused-type", integers)
    fails(3, "model.norm.weight", "I64", models=(base, other))
    fails(3, "no folder", models=(base, work + "/absent"))
    fails(2, "--weights", flags=["--weights", "0.5"])
    fails(2, "--weights", flags=["--weights", "0.5,half"])
    fails(2, "--weights", flags=["--weights", "0.5,nan"])
    fails(2, "weights", flags=["--weights", "1,-1"])
    fails(2, "--dtype", flags=["--dtype", "int8"])
    fails(2, "no device", flags=["--device", "no such device"])
    fails(2, "two models", models=(base,))
    check_fails(run("merge", base, good), 2, "-o")

    for bad, name in ((float("nan"), "nan"), (float("-inf"), "inf")):
        damaged = tensors("F32", 2)
        numbers = values(NAMES[EMBEDDING], 5)
        numbers[77] = bad
        damaged[EMBEDDING] = ("F32", NAMES[EMBEDDING], model_folder.encode("F32", numbers))
        other = model_folder.write(work + "/refused-" + name, damaged)
        fails(3, EMBEDDING, "element 77", "refused-" + name, models=(base, other))
    large = {**tensors("F32", 2), "model.norm.weight": ("F32", [8], struct.pack("<8f", *[1e6] * 8))}
    other = model_folder.write(work + "/refused-large", large)
    fails(3, "model.norm.weight", "the result", models=(other, good), flags=["--dtype", "float16"])

    path = other + "/model.safetensors"
    os.truncate(path, os.path.getsize(path) - 4)
    fails(3, "refused-large", models=(base, other))
    other = model_folder.write(work + "/refused-shard", tensors("BF16", 2), shards=2)
    os.remove(other + "/model-00002-of-00002.safetensors")
    fails(3, "model-00002-of-00002.safetensors", models=(base, other))
    os.remove(base + "/config.json")
    fails(3, "config.json")


def target(work):
    base = model_folder.write(work + "/target-base", tensors("BF16", 1))
    os.makedirs(work + "/full")
    with open(work + "/full/precious", "w") as file:
        file.write("mine")
    check_fails(run("merge", base, base, "-o", work + "/full"), 3, "already holds")
    check(open(work + "/full/precious").read() == "mine", "a folder in use is left alone")
    check_fails(run("merge", base, base, "-o", work + "/full/precious/out"), 3, "precious")
    os.makedirs(work + "/empty")
    check(run("merge", base, base, "-o", work + "/empty/").returncode == 0, "an empty folder is taken")


def interrupted(work):
    """Stops a merge of 100 MB while it writes."""
    for name in ("one", "two"):
        made = run("init", "8m", "-o", work + "/" + name, "--dtype", "float32",
                   "--seed", "1" if name == "one" else "2")
        check(made.returncode == 0, "init", made)
    models = [work + "/one", work + "/two"] * 3
    out = work + "/stopped"
    for number in (signal.SIGINT, signal.SIGKILL):
        for attempt in range(20):
            process = subprocess.Popen([LEWIN, "merge", *models, "-o", out], stderr=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(out + ".lewin-tmp"):
                time.sleep(0.0005)
            process.send_signal(number)
            message = process.communicate()[1].decode()
            if process.returncode != 0:
                break
            run_again = os.path.join(work, "finished-%d" % attempt)
            os.rename(out, run_again)  # it was faster: try again
        check(not os.path.exists(out), "a stopped merge leaves no folder")
        if number == signal.SIGINT:
            check(process.returncode == 130, "exit status 130, not %d" % process.returncode)
            check("nothing was written" in message, "the message says so: " + message)
            check(not os.path.exists(out + ".lewin-tmp"), "and cleans up")
    result = run("merge", *models, "-o", out)
    check(result.returncode == 0 and os.path.exists(out + "/model.safetensors"),
          "the next run is not in its way", result)
    check(not os.path.exists(out + ".lewin-tmp"), "what the killed run left is gone")


with folder() as work_folder:
    for part in (fixtures, mixtures, heads, buffers, refused, target):
        os.makedirs(os.path.join(work_folder, part.__name__))
        part(os.path.join(work_folder, part.__name__))
    if not sys.platform.startswith("win"):
        interrupted(work_folder)
finish()
