# SPDX-License-Identifier: Apache-2.0
"""usage: bench_gguf.py MODEL_FOLDER OUT.gguf OUT.txt TOKENS

Writes what llama-finetune needs to train a model of `lewin init`: the model as GGUF, and a text of so
many random tokens. bench_peers.py calls it, in a process of its own. For measuring only: the tokens
are single characters outside of every script, rows of the query and key projections keep their order
and stretched rotary embeddings are left out, all of which costs llama.cpp no time.
"""
import glob
import json
import os
import random
import struct
import sys

import gguf
import numpy

# Hugging Face's model_type -> what llama.cpp calls the family, where it can train it: it has no backward
# pass of the joined gate and up projections of Phi-3.
ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}

FIRST_CHARACTER = 0x10000  # of the vocabulary: above the surrogates, 4 bytes each


def tensors(path):
    """The name and values of each tensor of a safetensors file in float32, mapped and not read."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    for name, info in header.items():
        if name == "__metadata__":
            continue
        if info["dtype"] != "F32":
            raise ValueError("%s is %s, not F32" % (name, info["dtype"]))
        yield name, numpy.memmap(path, "<f4", "r", 8 + length + info["data_offsets"][0],
                                 tuple(info["shape"]))


def add_settings(writer, config):
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    rotary = config.get("rope_parameters") or config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(rotary.get("rope_theta", 10000.0))
    writer.add_vocab_size(config["vocab_size"])


def add_vocabulary(writer, size):
    """Tokens of one character each and no merges: any text of them is cut into just them."""
    writer.add_tokenizer_model("llama")
    writer.add_token_list([chr(FIRST_CHARACTER + i) for i in range(size)])
    writer.add_token_scores([0.0] * size)
    writer.add_token_types([gguf.TokenType.NORMAL] * size)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def main():
    folder, out, text, count = sys.argv[1:]
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    architecture = ARCHITECTURES.get(config["model_type"])
    if architecture is None:
        raise ValueError("llama.cpp does not train %s" % config["model_type"])
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[architecture])
    add_settings(writer, config)
    add_vocabulary(writer, config["vocab_size"])
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        for name, values in tensors(path):
            writer.add_tensor(names.get_name(name, (".weight", ".bias")), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draw = random.Random(0)
    with open(text, "w", encoding="utf-8") as file:
        for _ in range(int(count)):
            file.write(chr(FIRST_CHARACTER + draw.randrange(config["vocab_size"])))


if __name__ == "__main__":
    main()
