# SPDX-License-Identifier: Apache-2.0
"""Model folders for tests: safetensors files written and read with the standard library alone."""
import glob
import json
import os
import struct

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}


def round_bf16(value):
    """The bits of `value` (a double that float32 holds exactly) as bf16, ties to even."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def encode(dtype, values):
    if dtype == "BF16":
        return struct.pack("<%dH" % len(values), *map(round_bf16, values))
    return struct.pack("<%d%s" % (len(values), {"F32": "f", "F16": "e", "I64": "q"}[dtype]), *values)


def decode(dtype, data):
    count = len(data) // SIZES[dtype]
    if dtype == "BF16":
        halves = struct.unpack("<%dH" % count, data)
        return [struct.unpack("<f", struct.pack("<I", half << 16))[0] for half in halves]
    return list(struct.unpack("<%d%s" % (count, {"F32": "f", "F16": "e", "I64": "q"}[dtype]), data))


def write_file(path, tensors):
    """`tensors`: name -> (dtype, shape, bytes)."""
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def read_file(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: (entry["dtype"], entry["shape"],
                   data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
            for name, entry in header.items() if name != "__metadata__"}


def read(folder):
    """All tensors of a model folder."""
    tensors = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        tensors.update(read_file(path))
    return tensors


CONFIG = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 8,
          "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
          "num_key_value_heads": 1, "vocab_size": 32, "tie_word_embeddings": True}


def write(folder, tensors, shards=1, **config):
    """A model folder; tensors are dealt to the shards in turn."""
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({**CONFIG, **config}, file)
    if shards == 1:
        write_file(os.path.join(folder, "model.safetensors"), tensors)
        return folder
    weight_map = {}
    for shard in range(shards):
        name = "model-%05d-of-%05d.safetensors" % (shard + 1, shards)
        part = {key: tensors[key] for i, key in enumerate(sorted(tensors)) if i % shards == shard}
        write_file(os.path.join(folder, name), part)
        weight_map.update({key: name for key in part})
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": weight_map}, file)
    return folder
