# SPDX-License-Identifier: Apache-2.0
"""lewin merge: what stands beside the tensors (card, recipe, manifest), --verify, and models that hold
numbers that are none."""
import hashlib
import json
import os
import shutil

import model_folder
from lewin_test import check, check_fails, finish, folder, run

SHAPES = {"model.embed_tokens.weight": [32, 8], "model.norm.weight": [8]}


def model(path, value, dtype="BF16"):
    tensors = {name: (dtype, shape, model_folder.encode(dtype, [value] * (shape[0] * (shape + [1])[1])))
               for name, shape in SHAPES.items()}
    model_folder.write(path, tensors)
    for name in ("tokenizer.json", "generation_config.json"):
        with open(os.path.join(path, name), "w") as file:
            file.write("{}")
    return path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def complete(work):
    base, tuned, out = model(work + "/base", 1.0), model(work + "/tuned", 2.0), work + "/out"
    text = ("# a comment that stays\nmerge_method: task_arithmetic\nbase_model: %s\nmodels:\n"
            "  - {model: %s, parameters: {weight: 0.5}}\n" % (base, tuned))
    with open(work + "/recipe.yml", "w") as file:
        file.write(text)
    result = run("merge", work + "/recipe.yml", "-o", out)
    check(result.returncode == 0, "a recipe", result)
    check(sorted(os.listdir(out)) == ["README.md", "config.json", "generation_config.json",
                                      "merge_manifest.json", "mergekit_config.yml",
                                      "model.safetensors", "tokenizer.json"], "the folder is complete")
    check(open(out + "/mergekit_config.yml").read() == text, "the recipe is there byte for byte")
    card = open(out + "/README.md").read()
    front = card.split("---\n")[1]
    check(card.startswith("---\nbase_model:\n") and base in front and tuned in front
          and "library_name: transformers" in front and "- merge\n" in front, "front matter: " + front)
    check("task_arithmetic" in card and text in card, "the card says how")
    manifest = json.load(open(out + "/merge_manifest.json"))
    check(manifest["method"] == "task_arithmetic" and manifest["device"], "the manifest says how")
    for entry in manifest["outputs"]:
        path = os.path.join(out, entry["file"])
        check(entry["sha256"] == digest(path) and entry["bytes"] == os.path.getsize(path),
              "the manifest has " + entry["file"])
    check({entry["file"] for entry in manifest["outputs"]} | {"merge_manifest.json"}
          == set(os.listdir(out)), "and all of them")
    for entry in manifest["inputs"]:
        check(entry["sha256"] == digest(os.path.join(entry["model"], entry["file"])),
              "the manifest has the input " + entry["file"])
    check({entry["model"] for entry in manifest["inputs"]} == {base, tuned}, "of both models")
    # The simple form leaves a recipe that does the same.
    check(run("merge", base, tuned, "-o", work + "/one").returncode == 0, "the simple form")
    again = run("merge", work + "/one/mergekit_config.yml", "-o", work + "/two")
    check(again.returncode == 0 and model_folder.read(work + "/one") == model_folder.read(work + "/two"),
          "its recipe repeats it", again)
    bare = run("merge", base, tuned, "-o", work + "/bare", "--no-hash")
    check(bare.returncode == 0 and "sha256" not in open(work + "/bare/merge_manifest.json").read(),
          "--no-hash", bare)
    sizes = run("merge", "--verify", work + "/bare")
    check(sizes.returncode == 0 and sizes.stdout.count("same size") == 14
          and "all 264 elements are the same" in sizes.stdout, "sizes and elements are compared", sizes)
    with open(work + "/bare/model.safetensors", "r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\x00\x00")
    check_fails(run("merge", "--verify", work + "/bare"), 3, "bare", "model.norm.weight", "element 7")


def verified(work):
    base, tuned, out = model(work + "/base", 1.0), model(work + "/tuned", 2.0), work + "/out"
    check(run("merge", base, tuned, "-o", out).returncode == 0, "a merge")
    good = run("merge", "--verify", out)
    check(good.returncode == 0 and good.stdout.count("same ") == 14
          and "all 264 elements are the same" in good.stdout, "all is as it was", good)

    def spoilt(change, *parts, status=3):
        copy = out + "-copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(out, copy)
        change(copy)
        result = run("merge", "--verify", copy)
        check_fails(result, status)
        for part in parts:
            check(part in result.stdout + result.stderr, part, result)

    def flip(copy):
        with open(copy + "/model.safetensors", "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x01")

    def write(name, text):
        def change(copy):
            with open(os.path.join(copy, name), "w") as file:
                file.write(text)
        return change
    spoilt(flip, "CHANGED", "model.safetensors", "1 of its files")
    spoilt(lambda copy: os.remove(copy + "/config.json"), "MISSING", "config.json")
    spoilt(write("model-2.safetensors", ""), "EXTRA", "model-2.safetensors")
    spoilt(lambda copy: os.remove(copy + "/merge_manifest.json"), "merge_manifest.json")
    spoilt(write("merge_manifest.json", "{"), "merge_manifest.json")
    spoilt(write("merge_manifest.json", '{"outputs": 3}'), "outputs")
    spoilt(write("merge_manifest.json", '{"outputs": [{"file": "../x", "bytes": 1}], "inputs": []}'),
           "without folders")
    with open(tuned + "/config.json", "a") as file:
        file.write(" ")
    changed = run("merge", "--verify", out)
    check(changed.returncode == 0 and "CHANGED" in changed.stdout and "not merged again" in changed.stdout,
          "an input may change", changed)
    shutil.rmtree(tuned)
    gone = run("merge", "--verify", out)
    check(gone.returncode == 0 and gone.stdout.count("MISSING") == 4 and "not merged again" in gone.stdout,
          "or go", gone)
    check_fails(run("merge", "--verify", out, base), 2, "--verify")


def rewritten(out, change):
    """Changes the tensors of a merged model, and the manifest with them, so that only the merge itself
    can tell."""
    tensors = model_folder.read(out)
    change(tensors)
    path = out + "/model.safetensors"
    model_folder.write_file(path, tensors)
    with open(out + "/merge_manifest.json") as file:
        manifest = json.load(file)
    for entry in manifest["outputs"]:
        if entry["file"] == "model.safetensors":
            entry["sha256"], entry["bytes"] = digest(path), os.path.getsize(path)
    with open(out + "/merge_manifest.json", "w") as file:
        json.dump(manifest, file)


def merged_again(work):
    """--verify of a method with random numbers, of tensors that differ by rounding, and of others."""
    base, tuned, out = model(work + "/base", 1.0), model(work + "/tuned", 2.0), work + "/out"
    with open(work + "/recipe.yml", "w") as file:
        file.write("merge_method: dare_linear\nbase_model: %s\nmodels:\n"
                   "  - {model: %s, parameters: {weight: 0.5, density: 0.4}}\n" % (base, tuned))
    check(run("merge", work + "/recipe.yml", "-o", out, "--seed", "7").returncode == 0, "a random method")
    good = run("merge", "--verify", out)
    check(good.returncode == 0 and "all 264 elements are the same" in good.stdout,
          "is repeated with its seed", good)

    def add(places):
        def change(tensors):
            dtype, shape, data = tensors["model.norm.weight"]
            tensors["model.norm.weight"] = (dtype, shape, bytes([data[0] ^ places]) + data[1:])
        return change
    rewritten(out, add(1))
    near = run("merge", "--verify", out)
    check(near.returncode == 0 and "1 of 264 elements differ by rounding" in near.stdout, "rounding", near)
    rewritten(out, add(4))
    check_fails(run("merge", "--verify", out), 3, "model.norm.weight", "element 0")
    rewritten(out, lambda tensors: tensors.pop("model.norm.weight"))
    check_fails(run("merge", "--verify", out), 3, "model.norm.weight", "missing")
    rewritten(out, lambda tensors: tensors.update({"model.norm.weight": ("BF16", [4], bytes(8))}))
    check_fails(run("merge", "--verify", out), 3, "model.norm.weight", "shape")
    rewritten(out, lambda tensors: tensors.update(
        {"model.norm.weight": ("BF16", [8], bytes(16)), "more": ("BF16", [4], bytes(8))}))
    check_fails(run("merge", "--verify", out), 3, "3 tensors")
    os.remove(out + "/mergekit_config.yml")
    with open(out + "/merge_manifest.json") as file:
        manifest = json.load(file)
    manifest["seed"] = "seven"
    with open(out + "/merge_manifest.json", "w") as file:
        json.dump(manifest, file)
    check_fails(run("merge", "--verify", out), 3, "seed", "seven")


def not_finite(work):
    base, bad = model(work + "/base", 1.0), model(work + "/bad", float("inf"))
    check_fails(run("merge", base, bad, "-o", work + "/out"), 3, "bad", "model.embed_tokens.weight")
    check(not os.path.exists(work + "/out"), "nothing was written")
    result = run("merge", base, bad, "-o", work + "/out", "--allow-nonfinite")
    check(result.returncode == 0, "--allow-nonfinite", result)
    values = model_folder.decode(*[model_folder.read(work + "/out")["model.norm.weight"][i] for i in (0, 2)])
    check(values == [float("inf")] * 8, "and infinity stays what it is")
    check(run("merge", "--verify", work + "/out").returncode == 0, "merged again too")
    check_fails(run("merge", base, bad, "-o", work + "/none", "--weights", "1,0"), 3, "bad",
                "model.embed_tokens.weight")
    large = model(work + "/large", 3e38)
    check_fails(run("merge", base, large, "-o", work + "/none", "--dtype", "float16"), 3, "the result")


with folder() as work_folder:
    for part in (complete, verified, merged_again, not_finite):
        os.makedirs(os.path.join(work_folder, part.__name__))
        part(os.path.join(work_folder, part.__name__))
finish()
