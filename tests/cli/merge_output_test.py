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
    check(run("merge", "--verify", work + "/bare").returncode == 0, "sizes are compared")


def verified(work):
    base, tuned, out = model(work + "/base", 1.0), model(work + "/tuned", 2.0), work + "/out"
    check(run("merge", base, tuned, "-o", out).returncode == 0, "a merge")
    good = run("merge", "--verify", out)
    check(good.returncode == 0 and good.stdout.count("same ") == 14, "all is as it was", good)

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
    check(changed.returncode == 0 and "CHANGED" in changed.stdout, "an input may change", changed)
    check_fails(run("merge", "--verify", out, base), 2, "--verify")


def not_finite(work):
    base, bad = model(work + "/base", 1.0), model(work + "/bad", float("inf"))
    check_fails(run("merge", base, bad, "-o", work + "/out"), 3, "bad", "model.embed_tokens.weight")
    check(not os.path.exists(work + "/out"), "nothing was written")
    result = run("merge", base, bad, "-o", work + "/out", "--allow-nonfinite")
    check(result.returncode == 0, "--allow-nonfinite", result)
    values = model_folder.decode(*[model_folder.read(work + "/out")["model.norm.weight"][i] for i in (0, 2)])
    check(values == [float("inf")] * 8, "and infinity stays what it is")


with folder() as work_folder:
    for part in (complete, verified, not_finite):
        os.makedirs(os.path.join(work_folder, part.__name__))
        part(os.path.join(work_folder, part.__name__))
finish()
