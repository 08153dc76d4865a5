# SPDX-License-Identifier: Apache-2.0
"""lewin train and lewin chat with everything that can be wrong with a model, a dataset or an output
folder: the documented exit status, a message that names the place, nothing written.
"""
import json
import os
import shutil
import struct
import subprocess

import model_folder
from lewin_test import check, check_fails, finish, folder, run
from training import CONFIG, conversation, make_base, make_data, make_recipe, read_folder, train


class Place:
    """The folder of the test: a good base, good data and a recipe that names both."""

    def __init__(self, path):
        self.path = path
        self.count = 0
        self.base = make_base(os.path.join(path, "base"))
        self.recipe = make_recipe(os.path.join(path, "recipe.yaml"), model_name_or_path=self.base,
                                  dataset=make_data(os.path.join(path, "data.json")),
                                  output_dir=os.path.join(path, "out"), max_steps=1)

    def new(self, name):
        self.count += 1
        return os.path.join(self.path, "%d-%s" % (self.count, name))

    def copy(self):
        """A copy of the base to damage."""
        return shutil.copytree(self.base, self.new("model"))

    def refused(self, status, parts, *assignments):
        """Training ends with the status; the output folder is not there, or empty."""
        output = self.new("out")
        result = run("train", self.recipe, "output_dir=" + output, *assignments)
        check_fails(result, status, *parts)
        check(not os.path.exists(output) or not os.listdir(output), "nothing is written", result)

    def model_refused(self, model, *parts):
        self.refused(3, parts, "model_name_or_path=" + model)
        result = run("chat", model, "--prompt", "Hi.", "--max-tokens", 2)
        check_fails(result, 3, *parts)
        check(not result.stdout.strip(), "and chat says nothing", result)

    def data_refused(self, name, content, *parts):
        path = self.new(name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        self.refused(3, (path, *parts), "dataset=" + path)


def weights(model):
    return os.path.join(model, "model.safetensors")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def check_headers(place):
    whole = read(weights(place.base))
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:8 + length])
    name = "model.layers.1.mlp.up_proj.weight"

    def lying(**changes):
        text = json.dumps({**header, name: {**header[name], **changes}}).encode()
        return struct.pack("<Q", len(text)) + text + whole[8 + length:]
    begin, end = header[name]["data_offsets"]
    for content, part in ((b"", "model.safetensors"), (whole[:5], "model.safetensors"),
                          (whole[:8 + length // 2], "model.safetensors"), (whole[:-10], "cut"),
                          (struct.pack("<Q", 1 << 60) + whole[8:], "model.safetensors"),
                          (lying(data_offsets=[begin, 1 << 62]), name),
                          (lying(data_offsets=[begin + 4, end]), name),
                          (lying(shape=[1 << 40, 1 << 40]), name),
                          (lying(shape=[-1, 32]), name),
                          (lying(dtype="F99"), name),
                          (whole[:8] + b"{" * 100 + whole[108:], "model.safetensors")):
        model = place.copy()
        write(weights(model), content)
        place.model_refused(model, part)


def check_tensors(place):
    tensors = model_folder.read(place.base)
    name = "model.layers.0.self_attn.k_proj.weight"
    dtype, shape, data = tensors[name]
    nan, infinity = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))
    halves = b"\0" * (len(data) // 2)
    for changed, *parts in (((dtype, shape, data[:-8] + nan + data[-4:]), "NaN"),
                            ((dtype, shape, infinity + data[4:]), "infinity"),
                            (("BF16", shape, halves[:-2] + b"\xc0\x7f"), "NaN"),
                            ((dtype, shape[::-1], data), "config.json"),
                            (("I64", shape, data + data), "I64"),
                            (None, "no tensor")):
        model = place.copy()
        others = {key: value for key, value in tensors.items() if key != name}
        model_folder.write_file(weights(model), {**others, **({name: changed} if changed else {})})
        place.model_refused(model, name, *parts)
    model = place.new("shards")
    model_folder.write(model, tensors, shards=3, **CONFIG)
    for side in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(place.base, side), model)
    train(place.recipe, "model_name_or_path=" + model, "output_dir=" + place.new("sharded"))
    missing = "model-00002-of-00003.safetensors"
    os.remove(os.path.join(model, missing))
    place.model_refused(model, missing)


def check_config(place):
    for changes, part in (({"hidden_size": 1 << 40}, "hidden_size"), ({"hidden_size": -32}, "hidden_size"),
                          ({"vocab_size": 1 << 22, "hidden_size": 1 << 22}, "elements"),
                          ({"num_hidden_layers": 1000000}, "num_hidden_layers"),
                          ({"num_hidden_layers": 4000}, "no tensor"),
                          ({"num_attention_heads": 0}, "num_attention_heads"),
                          ({"num_key_value_heads": 3}, "num_key_value_heads"),
                          ({"head_dim": 1e300}, "head_dim"), ({"vocab_size": "many"}, "vocab_size"),
                          ({"rms_norm_eps": "NaN"}, "rms_norm_eps"),
                          ({"vocab_size": 256}, "vocab_size"),
                          ({"architectures": ["GPT5ForCausalLM"]}, "GPT5ForCausalLM")):
        model = place.copy()
        write(os.path.join(model, "config.json"), json.dumps({**CONFIG, **changes}).encode())
        place.refused(3, (part,), "model_name_or_path=" + model)
    for name in ("config.json", "tokenizer.json"):
        model = place.copy()
        content = read(os.path.join(model, name))
        write(os.path.join(model, name), content[:len(content) // 2])
        place.model_refused(model, name)
        os.remove(os.path.join(model, name))
        place.model_refused(model, name)
    place.model_refused(place.new("absent"), "absent")


def check_data(place):
    good = conversation(["Hi.", "Hello."])
    for name, content, *parts in (
            ("empty.json", b"", "empty"), ("none.json", [], "no"),
            ("bytes.json", json.dumps([good]).encode().replace(b"Hello", b"H\xff"), "UTF-8"),
            ("cut.json", json.dumps([good, good]).encode()[:-20], "line 1"),
            ("bad.json", [{"a": 1}, 3, None], "line 1"),
            ("unanswered.json", [good, conversation(["Hi."])], "line 1", "assistant"),
            ("order.json", [conversation(["Hi."]), {"conversations": [
                {"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}]}], "line 1")):
        place.data_refused(name, content, *parts)
    path = place.new("mixed.json")
    write(path, json.dumps([good, {"a": 1}, conversation(["Hi."]), good]).encode())
    skipped = train(place.recipe, "dataset=" + path, "on_bad_record=skip",
                    "output_dir=" + place.new("skipped"))
    check("2 bad records" in skipped.stdout, "bad records are counted", skipped)
    check("mixed.json:1: " in skipped.stderr, "and shown", skipped)
    write(path, json.dumps([{"a": 1}, conversation(["Hi."])]).encode())
    place.refused(3, ("nothing to train on", "mixed.json"), "dataset=" + path, "on_bad_record=skip")
    # An example longer than cutoff_len is cut; one whose answers are all cut off teaches nothing.
    write(path, json.dumps([conversation(["word " * 40, "Hello."])] * 3 + [good]).encode())
    cut = train(place.recipe, "dataset=" + path, "cutoff_len=40", "output_dir=" + place.new("cut"))
    check("3 examples were cut at cutoff_len" in cut.stdout, "cut examples are counted", cut)
    place.refused(3, ("no token", "cutoff_len"), "dataset=" + path, "cutoff_len=4")
    place.refused(3, ("val_size",), "val_size=24")
    place.refused(3, ("absent.json",), "dataset=" + place.new("absent.json"))


def check_output(place):
    taken = place.new("taken")
    os.makedirs(taken)
    write(os.path.join(taken, "thesis.txt"), b"years of work")
    before = read_folder(taken)
    result = run("train", place.recipe, "output_dir=" + taken)
    check_fails(result, 3, "thesis.txt", taken, "overwrite_output_dir")
    before_base = read_folder(place.base)
    for more in ([], ["overwrite_output_dir=true"]):
        check_fails(run("train", place.recipe, "output_dir=" + place.path + "/./base/", *more), 3,
                    "model_name_or_path", "base")
    check(read_folder(place.base) == before_base, "the base is as it was")
    check(read_folder(taken) == before, "nothing is touched")
    # Overwriting a run is not done before the new one is known to start.
    done = place.new("done")
    train(place.recipe, "output_dir=" + done, "save_steps=1")
    before = read_folder(done)
    check_fails(run("train", place.recipe, "output_dir=" + done, "overwrite_output_dir=true",
                    "model_name_or_path=" + place.new("absent")), 3, "absent")
    check(read_folder(done) == before, "the earlier run is still there")
    below_file = os.path.join(place.base, "config.json", "out")
    check_fails(run("train", place.recipe, "output_dir=" + below_file), 3, "output_dir", "config.json")
    locked = place.new("locked")
    os.makedirs(locked)
    if os.geteuid() == 0:
        # The superuser may write everywhere but to a file system that is read-only.
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", locked],
                                 capture_output=True).returncode == 0
    else:
        os.chmod(locked, 0o500)
        mounted = False
    if mounted or os.geteuid() != 0:
        check_fails(run("train", place.recipe, "output_dir=" + locked), 3, "output_dir", locked)
        check_fails(run("train", place.recipe, "output_dir=" + locked + "/out"), 3, locked)
    else:
        print("SKIPPED: a folder that cannot be written to (cannot mount one)")
    if mounted:
        subprocess.run(["umount", locked])


def check_memory(place):
    """A model of 70 G parameters: a sparse file of 140 GB, which only its header is read of."""
    model = place.copy()
    big = {"vocab_size": 512, "hidden_size": 8192, "intermediate_size": 29568,
           "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
           "torch_dtype": "bfloat16"}
    write(os.path.join(model, "config.json"), json.dumps({**CONFIG, **big}).encode())
    layer = {"input_layernorm.weight": [8192], "post_attention_layernorm.weight": [8192],
             "self_attn.q_proj.weight": [8192, 8192], "self_attn.q_proj.bias": [8192],
             "self_attn.k_proj.weight": [1024, 8192], "self_attn.k_proj.bias": [1024],
             "self_attn.v_proj.weight": [1024, 8192], "self_attn.v_proj.bias": [1024],
             "self_attn.o_proj.weight": [8192, 8192], "mlp.gate_proj.weight": [29568, 8192],
             "mlp.up_proj.weight": [29568, 8192], "mlp.down_proj.weight": [8192, 29568]}
    shapes = {"model.embed_tokens.weight": [512, 8192], "model.norm.weight": [8192]}
    for i in range(80):
        shapes.update({"model.layers.%d.%s" % (i, name): shape for name, shape in layer.items()})
    header, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(weights(model), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        try:
            file.truncate(8 + len(text) + offset)
        except OSError:
            print("SKIPPED: a model that is too large (no sparse file of %d GB here)" % (offset >> 30))
            return
    output = place.new("big")
    result = run("train", place.recipe, "model_name_or_path=" + model, "output_dir=" + output)
    check_fails(result, 4, "GiB are missing", "lower cutoff_len")
    for part in ("AdamW moments", "total", "free on the device", "does not fit"):
        check(part in result.stdout, "the table says %r" % part, result)
    check(not os.listdir(output), "nothing is written", result)
    check_fails(run("chat", model, "--prompt", "Hi."), 4, "GiB are missing")


with folder() as path:
    place = Place(path)
    check_headers(place)
    check_tensors(place)
    check_config(place)
    check_data(place)
    check_output(place)
    check_memory(place)
finish()
