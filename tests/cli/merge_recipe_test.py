# SPDX-License-Identifier: Apache-2.0
"""lewin merge RECIPE: every method of mergekit's recipes beside a double-precision reference; filters,
gradients, slices and types; random methods keep what they should and repeat; what must be refused."""
import functools
import json
import os
import random
import shutil

import merge_reference as reference
import model_folder
from lewin_test import check, check_fails, finish, folder, run

LAYERS = 3
SHAPES = {"model.embed_tokens.weight": [32, 8], "model.norm.weight": [8]}
for layer in range(LAYERS):
    SHAPES.update({"model.layers.%d.mlp.down_proj.weight" % layer: [8, 16],
                   "model.layers.%d.self_attn.q_proj.bias" % layer: [8]})
FAR, NEAR = 1.0, 0.05


def rows(shape, values):
    width = shape[-1]
    return [values[i:i + width] for i in range(0, len(values), width)]


def make_models(work):
    """A base, and models near and far from it, in bf16. Returns name -> {tensor -> rows}."""
    draws, models = random.Random(3), {}
    scales = {"base": 0, "a": NEAR, "b": 3 * NEAR, "c": NEAR / 2, "x": FAR, "y": FAR, "z": FAR}
    base = {name: [draws.gauss(0, 1) for _ in range(functools.reduce(lambda m, n: m * n, shape))]
            for name, shape in SHAPES.items()}
    for model, scale in scales.items():
        tensors = {}
        for name, shape in SHAPES.items():
            values = [x + scale * draws.gauss(0, 1) for x in base[name]]
            tensors[name] = ("BF16", shape, model_folder.encode("BF16", values))
        model_folder.write(os.path.join(work, model), tensors, num_hidden_layers=LAYERS)
        models[model] = {name: rows(shape, model_folder.decode("BF16", data))
                         for name, (_, shape, data) in tensors.items()}
    return models


def merge(work, recipe, *flags):
    """Runs a recipe whose models are named as their folders in `work`; (result, tensors)."""
    number = len(os.listdir(work))
    path, out = os.path.join(work, "%d.yml" % number), os.path.join(work, "out-%d" % number)
    text = json.dumps(recipe)
    for name in ("base", "a", "b", "c", "x", "y", "z"):
        text = text.replace('"%s"' % name, json.dumps(os.path.join(work, name)))
    with open(path, "w") as file:
        file.write(text)
    result = run("merge", path, "-o", out, *flags)
    return result, model_folder.read(out) if os.path.isdir(out) else {}


def entry(model, **parameters):
    return {"model": model, **({"parameters": parameters} if parameters else {})}


def compare(what, got, name, wanted, tolerance=4e-6):
    values, expected = model_folder.decode(got[name][0], got[name][2]), reference.flat(wanted)
    check(got[name][1] == SHAPES.get(name, got[name][1]), "%s: %s has its shape" % (what, name))
    worst = max(abs(x - y) / max(1, abs(y)) for x, y in zip(values, expected))
    check(len(values) == len(expected) and worst < tolerance, "%s: %s is off by %g" % (what, name, worst))


def methods(work):
    models = make_models(work)
    three = [0.513, 0.297, -0.219]  # no sum of few-valued differences is zero
    tuned = lambda **more: [entry(name, weight=w, **more) for name, w in zip("abc", three)]
    far = [entry("x", weight=0.6), entry("y", weight=0.3), entry("z", weight=0.4)]
    small = lambda density, gamma=0: [lambda d: reference.drop_small(d, density, gamma)] * 3
    task = lambda **more: lambda base, a, b, c: reference.task(base, [a, b, c], three, **more)
    # Method, its models, base_model, parameters, and the reference of the tensors it names.
    table = [
        ("linear", tuned(), None, {}, "abc", lambda *t: reference.linear(t, three)),
        ("linear", tuned(), None, {"normalize": False}, "abc",
         lambda *t: reference.linear(t, three, False)),
        ("slerp", [entry("x"), entry("y")], "x", {"t": 0.3}, "xy",
         lambda x, y: reference.slerp(x, y, 0.3)),
        ("slerp", [entry("y"), entry("x")], "x", {"t": 0.3}, "xy",
         lambda x, y: reference.slerp(x, y, 0.3)),
        ("slerp", [entry("base"), entry("base")][:1] + [entry("c")], "base", {"t": 0.8},
         ["base", "c"], lambda x, y: reference.slerp(x, y, 0.8)),
        ("multislerp", far, None, {}, "xyz", lambda *t: reference.multislerp(t, [0.6, 0.3, 0.4])),
        ("multislerp", far, "base", {"normalize_weights": False}, ["base", *"xyz"],
         lambda b, *t: reference.multislerp(t, [0.6, 0.3, 0.4], b, False)),
        ("karcher", [entry(m) for m in "xyz"], None, {"max_iter": 20, "tol": 1e-6}, "xyz",
         lambda *t: reference.karcher(t, 20, 1e-6)),
        ("task_arithmetic", tuned(), "base", {}, ["base", *"abc"], task()),
        ("task_arithmetic", tuned(), "base", {"normalize": True, "lambda": 0.7}, ["base", *"abc"],
         task(normalize=True, scale=0.7)),
        ("ties", tuned(density=0.6), "base", {}, ["base", *"abc"],
         task(drops=small(0.6), consensus=True, normalize=True)),
        ("ties", tuned(density=0.3), "base", {"normalize": False, "lambda": 1.3}, ["base", *"abc"],
         task(drops=small(0.3), consensus=True, scale=1.3)),
        ("breadcrumbs", tuned(density=0.6, gamma=0.25), "base", {}, ["base", *"abc"],
         task(drops=small(0.6, 0.25))),
        ("breadcrumbs_ties", tuned(density=0.9, gamma=0.25), "base", {"normalize": True},
         ["base", *"abc"], task(drops=small(0.9, 0.25), consensus=True, normalize=True)),
        ("dare_linear", tuned(density=1.0), "base", {}, ["base", *"abc"], task()),
        ("dare_ties", tuned(density=1.0), "base", {}, ["base", *"abc"], task(consensus=True)),
        ("della_linear", tuned(density=1.0), "base", {}, ["base", *"abc"], task()),
        ("della", tuned(density=1.0), "base", {}, ["base", *"abc"],
         task(consensus=True, normalize=True)),
        ("model_stock", [entry(m) for m in "abx"], "base", {}, ["base", *"abx"],
         lambda b, *t: reference.model_stock(b, list(t))),
        ("model_stock", [entry(m) for m in "abx"], "base", {"filter_wise": True}, ["base", *"abx"],
         lambda b, *t: reference.model_stock(b, list(t), True)),
        ("sce", [entry(m) for m in "abc"], "base", {}, ["base", *"abc"],
         lambda b, *t: reference.sce(b, t)),
        ("sce", [entry(m) for m in "abc"], "base", {"select_topk": 0.4}, ["base", *"abc"],
         lambda b, *t: reference.sce(b, t, 0.4)),
        ("arcee_fusion", [entry("base"), entry("b")], "base", {}, ["base", "b"],
         reference.arcee_fusion),
        ("nearswap", [entry("base"), entry("b")], "base", {"t": 0.02}, ["base", "b"],
         lambda x, y: reference.nearswap(x, y, 0.02)),
        ("passthrough", [entry("a", scale=0.5)], None, {}, "a",
         lambda x: reference.each(lambda v: v / 2, x)),
    ]
    for base in (None, "base"):
        for lines, parameters in (("whole", {}), ("rows", {"nuslerp_flatten": False}),
                                  ("columns", {"nuslerp_flatten": False, "nuslerp_row_wise": True})):
            table.append(("nuslerp", far[:2], base, parameters, "xy" if not base else ["base", *"xy"],
                          functools.partial(lambda lines, base, *t: reference.nuslerp(
                              t[-2:], [0.6, 0.3], t[0] if base else None, lines), lines, base)))
    for number, (method, entries, base, parameters, names, function) in enumerate(table):
        recipe = {"merge_method": method, "models": entries, "parameters": parameters,
                  "dtype": "float32", **({"base_model": base} if base else {})}
        what = "%s (row %d)" % (method, number)
        # The last tenth of the kernels are those of GPUs, which CPU drivers otherwise do not take.
        result, got = merge(work, recipe, *(["--hide-caps", "cpu"] if number % 10 == 9 else []))
        check(result.returncode == 0 and got.keys() == SHAPES.keys(), what, result)
        for name in got:
            compare(what, got, name, function(*(models[model][name] for model in names)))


def settings(work):
    """Which value a parameter has for a tensor."""
    models = make_models(work)
    weights = [{"filter": "mlp", "value": [0.0, 1.0]}, {"filter": "bias", "value": 0.25},
               {"filter": "embed", "value": "0.75"}, {"value": 0.5}]
    recipe = {"merge_method": "linear", "dtype": "float32", "parameters": {"normalize": False,
              "weight": 1.0}, "models": [entry("x", weight=weights), entry("y")]}
    result, got = merge(work, recipe)
    check(result.returncode == 0, "filters and gradients", result)
    for name in got:
        weight = (int(name.split(".")[2]) / (LAYERS - 1) if "mlp" in name else 0.25 if "bias" in name
                  else 0.75 if "embed" in name else 0.5)
        compare("weight %g" % weight, got, name,
                reference.linear([models["x"][name], models["y"][name]], [weight, 1], False))


def slices(work):
    models = make_models(work)
    recipe = {"merge_method": "passthrough", "dtype": "bfloat16", "slices": [
        {"sources": [{"model": "a", "layer_range": [0, 2]}]},
        {"sources": [{"model": "b", "layer_range": [1, 3]}]}]}
    result, got = merge(work, recipe)
    check(result.returncode == 0, "layers of two models", result)
    for number, (model, layer) in enumerate((("a", 0), ("a", 1), ("b", 1), ("b", 2))):
        name = "model.layers.%d.mlp.down_proj.weight"
        check(got[name % number][0] == "BF16", "in bfloat16")
        compare("layer %d" % number, got, name % number, models[model][name % layer], 1e-9)
    compare("the embedding", got, "model.embed_tokens.weight",
            models["a"]["model.embed_tokens.weight"], 1e-9)
    compare("the last norm", got, "model.norm.weight", models["b"]["model.norm.weight"], 1e-9)
    out = max((os.path.join(work, f) for f in os.listdir(work) if f.startswith("out-")),
              key=os.path.getmtime)
    check(json.load(open(out + "/config.json"))["num_hidden_layers"] == 4, "config.json counts layers")
    mixed = {"merge_method": "slerp", "base_model": "x", "dtype": "float32", "parameters": {"t": [0, 1]},
             "slices": [{"sources": [{"model": m, "layer_range": [0, LAYERS]} for m in "xy"]}]}
    result, got = merge(work, mixed)
    check(result.returncode == 0, "slerp over slices", result)
    for name in got:
        t = (int(name.split(".")[2]) / (LAYERS - 1) if "layers" in name else 0)
        compare("t %g" % t, got, name, reference.slerp(models["x"][name], models["y"][name], t))


def types(work):
    make_models(work)
    recipe = {"merge_method": "linear", "models": [entry("a", weight=1.0), entry("b", weight=1.0)]}
    for keys, wanted in (({}, "BF16"), ({"dtype": "float16"}, "F16"),
                         ({"dtype": "float32", "out_dtype": "bfloat16"}, "BF16")):
        result, got = merge(work, {**recipe, **keys})
        check(result.returncode == 0 and {item[0] for item in got.values()} == {wanted},
              "%s gives %s" % (keys, wanted), result)


def chance(work):
    """dare and della keep about `density`, scaled to the difference's own sum, and repeat."""
    models = make_models(work)
    for method, density in (("dare_linear", 0.4), ("dare_ties", 0.4), ("della", 0.5),
                            ("della_linear", 0.5)):
        recipe = {"merge_method": method, "base_model": "base", "dtype": "float32",
                  "parameters": {"rescale": True},
                  "models": [entry("x", weight=1.0, density=density)]}
        runs = [merge(work, recipe, *flags)[1] for flags in ((), (), ("--seed", "7"))]
        check(runs[0] and runs[0] == runs[1], "%s repeats" % method)
        check(runs[0] != runs[2], "%s depends on the seed" % method)
        kept = count = 0
        for name in SHAPES:
            base = reference.flat(models["base"][name])
            delta = [x - b for x, b in zip(reference.flat(models["x"][name]), base)]
            got = [x - b for x, b in zip(model_folder.decode("F32", runs[0][name][2]), base)]
            here = [i for i, x in enumerate(got) if abs(x) > 1e-5]
            kept, count = kept + len(here), count + len(got)
            before, after = sum(map(abs, delta)), sum(abs(delta[i]) for i in here)
            for i in here:
                check(abs(got[i] - delta[i] * before / after) < 1e-4 * max(1, abs(got[i])),
                      "%s: what stays is scaled by the sums" % method)
        spread = 4 * (density * (1 - density) * count) ** 0.5
        check(abs(kept - density * count) < spread, "%s keeps %d of %d" % (method, kept, count))


def unchanged(work):
    """Tensors that no model has changed stay the base's, bit for bit: frozen parts of a fine-tune."""
    make_models(work)
    base = model_folder.read(os.path.join(work, "base"))
    for name in ("a", "b", "c"):
        shutil.copy(work + "/base/model.safetensors", work + "/%s/model.safetensors" % name)
    three = [entry(name, weight=0.4, density=0.5, gamma=0.01, epsilon=0.1) for name in ("a", "b", "c")]
    for method, entries, parameters in (
            ("task_arithmetic", three, {}), ("ties", three, {}), ("dare_ties", three, {}),
            ("dare_linear", three, {}), ("della", three, {}), ("della_linear", three, {}),
            ("breadcrumbs", three, {}), ("breadcrumbs_ties", three, {}), ("sce", three, {}),
            ("model_stock", three, {}), ("multislerp", three, {}), ("nuslerp", three[:2], {}),
            ("arcee_fusion", three[:1], {}), ("nearswap", three[:1], {"t": 0.01}),
            ("slerp", [entry("base"), entry("a")], {"t": 0.4})):
        result, got = merge(work, {"merge_method": method, "base_model": "base", "models": entries,
                                   "parameters": parameters})
        check(result.returncode == 0, method, result)
        check(all(got[name][2] == base[name][2] for name in base), method + ": the base's")


def refused(work):
    make_models(work)
    good = {"merge_method": "linear", "models": [entry("a", weight=1.0), entry("b", weight=1.0)]}
    for changes, status, parts in (
            ({"merge_method": "liner"}, 2, ("liner", "linear")),
            ({"modells": []}, 2, ("modells", "models")),
            ({"models": [entry("a"), entry("b")]}, 2, ("weight",)),
            ({"models": None}, 2, ("models",)),
            ({"merge_method": "ties"}, 2, ("ties", "base_model")),
            ({"merge_method": "slerp", "base_model": "a"}, 2, ("slerp", "t")),
            ({"merge_method": "karcher", "models": []}, 2, ("models",)),
            ({"dtype": "int8"}, 2, ("dtype", "int8")),
            ({"models": [entry("a", weight=1.0), entry("none/here", weight=1.0)]}, 3, ("none/here",)),
            ({"models": [entry("a", weight="much"), entry("b", weight=1.0)]}, 2, ("weight", "number")),
            ({"merge_method": "della", "base_model": "base", "models": [
                entry("a", weight=1.0, density=0.1, epsilon=0.2)]}, 2, ("density", "epsilon"))):
        result, got = merge(work, {key: value for key, value in {**good, **changes}.items() if value is not None})
        check_fails(result, status, *parts)
        check(not got, "nothing was written for %s" % (changes,))
    result, _ = merge(work, {"merge_method": "passthrough", "slices": [
        {"sources": [{"model": "a", "layer_range": [0, LAYERS + 1]}]}]})
    check_fails(result, 2, "layer_range")


with folder() as work_folder:
    for part in (methods, settings, slices, types, chance, unchanged, refused):
        os.makedirs(os.path.join(work_folder, part.__name__))
        part(os.path.join(work_folder, part.__name__))
finish()
