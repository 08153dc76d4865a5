# SPDX-License-Identifier: Apache-2.0
"""lewin merge --adapter: PEFT's LoRA folders folded into their base beside a reference in double
precision: scales, patterns, transposed and embedding targets, tensors that were trained whole, model
references with an adapter in recipes; and adapters that must be refused."""
import json
import os
import random

import model_folder
from lewin_test import check, check_fails, finish, folder, run

SHAPES = {"model.embed_tokens.weight": [32, 8], "model.norm.weight": [8], "lm_head.weight": [32, 8],
          "model.layers.0.mlp.down_proj.weight": [8, 16], "model.layers.0.self_attn.q_proj.bias": [8],
          "model.layers.0.self_attn.q_proj.weight": [8, 8], "model.layers.0.mlp.up_proj.weight": [16, 8]}
DOWN, UP = "model.layers.0.mlp.down_proj", "model.layers.0.mlp.up_proj"
Q, EMBED = "model.layers.0.self_attn.q_proj", "model.embed_tokens"


def draw(shape, seed, dtype="F32"):
    numbers = random.Random(seed)
    count = shape[0] * (shape + [1])[1]
    return dtype, shape, model_folder.encode(dtype, [numbers.gauss(0, 1) for _ in range(count)])


def make_base(work):
    return model_folder.write(work + "/base", {name: draw(shape, name, "BF16")
                                               for name, shape in SHAPES.items()},
                              tie_word_embeddings=False)


def make_adapter(path, tensors, **config):
    os.makedirs(path)
    with open(path + "/adapter_config.json", "w") as file:
        json.dump({"peft_type": "LORA", "r": 4, "lora_alpha": 6, "bias": "none",
                   "init_lora_weights": True, "use_dora": False, **config}, file)
    model_folder.write_file(path + "/adapter_model.safetensors",
                            {"base_model.model." + name: tensor for name, tensor in tensors.items()})
    return path


def matrix(tensor):
    values, width = model_folder.decode(tensor[0], tensor[2]), tensor[1][-1]
    return [values[i:i + width] for i in range(0, len(values), width)]


def product(b, a):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*a)] for row in b]


def transposed(x):
    return [list(column) for column in zip(*x)]


def compare(what, got, base, changes):
    """`changes`: name -> the whole tensor in double precision; the others stay as they are."""
    for name in SHAPES:
        if name not in changes:
            check(got[name] == base[name], "%s: %s stays" % (what, name))
            continue
        wanted = [x for row in changes[name] for x in row]
        values = model_folder.decode(got[name][0], got[name][2])
        worst = max(abs(x - y) / max(1, abs(y)) for x, y in zip(values, wanted))
        check(len(values) == len(wanted) and worst < (2e-6 if got[name][0] == "F32" else 4e-3),
              "%s: %s is off by %g" % (what, name, worst))


def added(base, name, delta, scale):
    return [[x + scale * y for x, y in zip(*rows)] for rows in zip(matrix(base[name]), delta)]


def folded(work):
    folder_of_base = make_base(work)
    base = model_folder.read(folder_of_base)
    down = draw([4, 16], 1), draw([8, 4], 2)
    up = draw([2, 8], 3, "BF16"), draw([16, 2], 4, "BF16")
    query = draw([4, 8], 5, "F16"), draw([8, 4], 6, "F16")
    embedding = draw([4, 32], 7), draw([8, 4], 8)
    head, bias = draw([32, 8], 9, "BF16"), draw([8], 10)
    number = 0

    def fold(what, tensors, changes, flags=(), **config):
        nonlocal number
        number += 1
        adapter = make_adapter("%s/adapter-%d" % (work, number), tensors, **config)
        for dtype, more in (("BF16", ()), ("F32", ("--dtype", "float32"))):
            out = "%s/out-%d-%s" % (work, number, dtype)
            result = run("merge", "--adapter", adapter, folder_of_base, "-o", out, *more)
            check(result.returncode == 0, what, result)
            got = model_folder.read(out)
            reference = base if dtype == "BF16" else {
                name: ("F32", entry[1], model_folder.encode("F32", model_folder.decode("BF16", entry[2])))
                for name, entry in base.items()}
            compare("%s in %s" % (what, dtype), got, reference, changes)
        return adapter
    both = {DOWN + ".lora_A.weight": down[0], DOWN + ".lora_B.weight": down[1],
            UP + ".lora_A.default.weight": up[0], UP + ".lora_B.default.weight": up[1]}
    deltas = product(matrix(down[1]), matrix(down[0])), product(matrix(up[1]), matrix(up[0]))
    adapter = fold("two targets of different rank", both, {
        DOWN + ".weight": added(base, DOWN + ".weight", deltas[0], 6 / 4),
        UP + ".weight": added(base, UP + ".weight", deltas[1], 6 / 2)}, rank_pattern={"up_proj": 2})
    fold("rslora and a pattern", both, {
        DOWN + ".weight": added(base, DOWN + ".weight", deltas[0], 3 / 2),
        UP + ".weight": added(base, UP + ".weight", deltas[1], 6 / 2 ** 0.5)},
        use_rslora=True, rank_pattern={"mlp.up_proj": 2},
        alpha_pattern={r"^model\.layers\.[01]\.mlp\.down_proj": 3, "proj": 77})
    # PEFT looks at the layer: fan_in_fan_out is for those of GPT-2, whose weights lie the other way.
    fold("fan_in_fan_out", {Q + ".lora_A.weight": query[0], Q + ".lora_B.weight": query[1]},
         {Q + ".weight": added(base, Q + ".weight", product(matrix(query[1]), matrix(query[0])), 6 / 4)},
         fan_in_fan_out=True)
    fold("an embedding, a head and a bias",
         {EMBED + ".lora_embedding_A": embedding[0], EMBED + ".lora_embedding_B": embedding[1],
          "lm_head.modules_to_save.weight": head, Q + ".base_layer.bias": bias},
         {EMBED + ".weight": added(base, EMBED + ".weight",
                                   transposed(product(matrix(embedding[1]), matrix(embedding[0]))), 6 / 4),
          "lm_head.weight": matrix(head), Q + ".bias": matrix(bias)}, bias="all",
         modules_to_save=["lm_head"])
    # In a recipe: mergekit's MODEL+ADAPTER.
    recipe = {"merge_method": "linear", "dtype": "float32", "parameters": {"normalize": False},
              "models": [{"model": "%s+%s" % (folder_of_base, adapter), "parameters": {"weight": 1}},
                         {"model": folder_of_base, "parameters": {"weight": -1}}]}
    with open(work + "/recipe.yml", "w") as file:
        json.dump(recipe, file)
    result = run("merge", work + "/recipe.yml", "-o", work + "/difference")
    check(result.returncode == 0, "an adapter in a recipe", result)
    got = matrix(model_folder.read(work + "/difference")[DOWN + ".weight"])
    check(all(abs(x - 1.5 * y) < 1e-5 for rows in zip(got, deltas[0]) for x, y in zip(*rows)),
          "the difference is the product")


def verified(work):
    base = make_base(work)
    a, b = draw([4, 16], 1), draw([8, 4], 2)
    adapter = make_adapter(work + "/adapter", {DOWN + ".lora_A.weight": a, DOWN + ".lora_B.weight": b})
    out = work + "/out"
    check(run("merge", "--adapter", adapter, base, "-o", out).returncode == 0, "an adapter")
    result = run("merge", "--verify", out)
    check(result.returncode == 0 and "elements are the same" in result.stdout
          and "adapter/adapter_model.safetensors (input)" in result.stdout, "merged again", result)
    make_adapter(work + "/other", {DOWN + ".lora_A.weight": draw([4, 16], 5), DOWN + ".lora_B.weight": b})
    os.replace(work + "/other/adapter_model.safetensors", adapter + "/adapter_model.safetensors")
    result = run("merge", "--verify", out)
    check(result.returncode == 0 and "CHANGED" in result.stdout, "its adapter is another now", result)


def refused(work):
    base = make_base(work)
    a, b = draw([4, 16], 1), draw([8, 4], 2)
    good = {DOWN + ".lora_A.weight": a, DOWN + ".lora_B.weight": b}
    nan = ("F32", [8, 4], model_folder.encode("F32", [float("nan")] * 32))
    cases = [
        (good, {"peft_type": "LOHA"}, "LOHA"), (good, {"use_dora": True}, "use_dora"),
        (good, {"init_lora_weights": "pissa"}, "pissa"),
        (good, {"layer_replication": [[0, 1]]}, "layer_replication"),
        (good, {"alpha_pattern": {"layers.[01.x": 3}}, "alpha_pattern"),
        (good, {"use_something_new": True}, "use_something_new"),
        (good, {"lora_alpha": "six"}, "lora_alpha"),
        ({DOWN + ".lora_A.weight": a}, {}, "only one of"),
        ({DOWN + ".lora_A.weight": a, DOWN + ".lora_B.weight": draw([8, 3], 2)}, {}, "rank"),
        ({DOWN + ".lora_A.weight": draw([4, 8], 1), DOWN + ".lora_B.weight": b}, {}, "shape"),
        ({"model.layers.7.x.lora_A.weight": a, "model.layers.7.x.lora_B.weight": b}, {}, "layers.7"),
        ({**good, DOWN + ".lora_magnitude_vector": draw([8], 1)}, {}, "magnitude"),
        ({DOWN + ".lora_A.weight": a, DOWN + ".lora_B.weight": nan}, {}, "NaN"),
        ({"lm_head.weight": ("I64", [32, 8], bytes(2048))}, {}, "lm_head")]
    for number, (tensors, config, part) in enumerate(cases):
        adapter = make_adapter("%s/bad-%d" % (work, number), tensors, **config)
        result = run("merge", "--adapter", adapter, base, "-o", work + "/out")
        check_fails(result, 3, part)
        check(not os.path.exists(work + "/out"), "nothing was written")
    check_fails(run("merge", "--adapter", work + "/absent", base, "-o", work + "/out"), 3, "absent")
    check_fails(run("merge", "--adapter", work + "/bad-0", base, base, "-o", work + "/out"), 2, "one model")


with folder() as work_folder:
    for part in (folded, verified, refused):
        os.makedirs(os.path.join(work_folder, part.__name__))
        part(os.path.join(work_folder, part.__name__))
finish()
