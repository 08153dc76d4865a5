#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_example_base.py RECORDS.jsonl OUT [STEPS]

Makes examples/base: a Qwen2-shaped model of about a million parameters with a byte-level BPE
tokenizer of its own, built like Qwen2.5's. Both know nothing but the prose of the example records.
The tokenizer is trained on it first; then the model is trained from random weights, on that
prose as running text and on every third record as a conversation, so that it has
met the chat template before it is fine-tuned. Needs torch, transformers and tokenizers; nothing in
Lewin calls this: it is kept to show where the committed files come from.
"""
import json
import random
import sys

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM

VOCABULARY = 2048
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEFAULT_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
CHAT_TEMPLATE = (
    "{%- if messages[0]['role'] == 'system' %}"
    "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
    "{%- else %}{{- '<|im_start|>system\\n" + DEFAULT_SYSTEM + "<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}{%- if not (loop.first and message.role == 'system') %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
BLOCK, BATCH, PEAK_RATE = 192, 4, 2e-3


def read_records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def as_prose(record):
    return "\n".join(turn["value"] for turn in record["conversations"])


def as_chat(record):
    turns = [("system", record.get("system", DEFAULT_SYSTEM))]
    for turn in record["conversations"]:
        turns.append(("user" if turn["from"] == "human" else "assistant", turn["value"]))
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in SPECIAL])
    return tokenizer


def write_tokenizer(tokenizer, folder):
    tokenizer.save(f"{folder}/tokenizer.json")
    added = {
        str(tokenizer.token_to_id(text)): {
            "content": text, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True,
        }
        for text in SPECIAL
    }
    write_json(f"{folder}/tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added,
        "additional_special_tokens": SPECIAL[1:], "bos_token": None,
        "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 2048,
        "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    })
    write_json(f"{folder}/special_tokens_map.json", {
        "additional_special_tokens": SPECIAL[1:], "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    })


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def train_model(config, documents, steps):
    """Trains on documents (lists of ids) joined in a new random order in every pass."""
    model = Qwen2ForCausalLM(Qwen2Config(**config, attn_implementation="sdpa")).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    shuffle, stream = random.Random(1), []
    for step in range(steps):
        while len(stream) < BATCH * BLOCK:
            for document in shuffle.sample(documents, len(documents)):
                stream += document
        ids = torch.tensor(stream[: BATCH * BLOCK]).view(BATCH, BLOCK)
        stream = stream[BATCH * BLOCK:]
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min(1, (step + 1) / 100) * (1 - step / steps)
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 250 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    return model


def main(records_path, folder, steps="2500"):
    torch.manual_seed(1)
    records = read_records(records_path)
    prose, chats = [as_prose(r) for r in records], [as_chat(r) for r in records]
    tokenizer = train_tokenizer(prose + chats)
    write_tokenizer(tokenizer, folder)
    end, stop = tokenizer.token_to_id(SPECIAL[0]), tokenizer.token_to_id(SPECIAL[2])
    config = {
        "attention_dropout": 0.0, "bos_token_id": end, "eos_token_id": stop, "hidden_act": "silu",
        "hidden_size": 128, "initializer_range": 0.02, "intermediate_size": 384,
        "max_position_embeddings": 2048, "max_window_layers": 4, "num_attention_heads": 4,
        "num_hidden_layers": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0, "sliding_window": None, "tie_word_embeddings": True,
        "use_cache": True, "use_sliding_window": False, "vocab_size": VOCABULARY,
    }
    documents = [tokenizer.encode(text).ids + [end] for text in prose + chats[::3]]
    print(f"{sum(map(len, documents))} tokens in {len(documents)} documents")
    model = train_model(config, documents, int(steps))
    model.to(torch.bfloat16).save_pretrained(folder)
    # The layout of the released checkpoints, which more programs read than that of transformers 5.
    write_json(f"{folder}/config.json", {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "bfloat16",
        "transformers_version": "4.46.3", **config,
    })
    write_json(f"{folder}/generation_config.json", {
        "bos_token_id": end, "do_sample": True, "eos_token_id": [stop, end],
        "pad_token_id": end, "temperature": 0.7, "top_p": 0.9, "transformers_version": "4.46.3",
    })


if __name__ == "__main__":
    main(*sys.argv[1:])
