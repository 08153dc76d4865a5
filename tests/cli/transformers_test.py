# SPDX-License-Identifier: Apache-2.0
"""What lewin train, merge and init write, of every family, loaded by transformers: no key is missing,
none is left over, its greedy answer and its loss are ours. Skipped where this Python has no
transformers.
"""
import json
import os

from lewin_test import check, finish, folder, run, skip
from training import (FAMILIES, conversation, losses, make_base, make_data, make_recipe,
                      train)

os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as reason:
    skip("no transformers to load the folders with: %s" % reason)

QUESTION = "the old river?"
PROMPT = ("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n"
          "<|im_start|>assistant\n" % QUESTION)


def check_loads(model, what):
    loaded, report = AutoModelForCausalLM.from_pretrained(
        model, output_loading_info=True, attn_implementation="eager")
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        check(not report.get(kind), "%s: %s: %s" % (what, kind, report.get(kind)))
    tokenizer = AutoTokenizer.from_pretrained(model)
    ids = tokenizer(PROMPT, return_tensors="pt", add_special_tokens=False).input_ids
    # Without a cache, because transformers keeps keys in it that were rotated by longrope's short
    # factors.
    with torch.no_grad():
        answer = loaded.float().generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                                         max_new_tokens=100, use_cache=False)
    theirs = tokenizer.decode(answer[0, ids.shape[1]:], skip_special_tokens=True)
    said = run("chat", model, "--template", "qwen", "--prompt", QUESTION, "--system", "Be kind.",
               "--temperature", 0, "--max-tokens", 100)
    check(said.stdout == theirs + "\n", "%s: ours %r, theirs %r" % (what, said.stdout, theirs))
    return loaded.float(), tokenizer


def check_loss(model, here, what):
    """The loss of one conversation, which the first step of a training run logs, is transformers'."""
    loaded, tokenizer = check_loads(model, what)
    answer = "a small river house tree walks sings blue old friend table never maybe tomorrow."
    prompt, response = (tokenizer(text, add_special_tokens=False).input_ids
                        for text in (PROMPT, answer + "<|im_end|>\n"))
    ids = torch.tensor([prompt + response])
    with torch.no_grad():
        theirs = loaded(ids, labels=torch.tensor([[-100] * len(prompt) + response])).loss.item()
    data, output = os.path.join(here, "one.json"), os.path.join(here, "one")
    with open(data, "w") as file:
        json.dump([conversation([QUESTION, answer])], file)
    train(make_recipe(os.path.join(here, "one.yaml"), model_name_or_path=model, output_dir=output,
                      dataset=data, max_steps=1, overwrite_output_dir=True))
    ours = losses(output)[0]
    check(abs(ours / theirs - 1) < 1e-4, "%s: loss: ours %.6f, theirs %.6f" % (what, ours, theirs))


def check_batches(model, here):
    """longrope: the loss of a step over short and long examples, by the examples that transformers
    computes together, padded as LLaMA-Factory pads them."""
    loaded, tokenizer = check_loads(model, "batches")
    answers = ["blue.", "no.", "the old river" * 8, "yes."] # 39, 36, about 100, 38 tokens
    pairs = [[tokenizer(text, add_special_tokens=False).input_ids
              for text in (PROMPT, answer + "<|im_end|>\n")] for answer in answers]
    data, output = os.path.join(here, "four.json"), os.path.join(here, "four")
    with open(data, "w") as file:
        json.dump([conversation([QUESTION, answer]) for answer in answers], file)
    for together in (1, 2, 4):
        total = 0.0
        for first in range(0, 4, together):
            group = pairs[first:first + together]
            length = (max(len(a) + len(b) for a, b in group) + 7) // 8 * 8
            ids, labels, mask = torch.zeros(3, together, length, dtype=torch.long)
            labels.fill_(-100)
            for row, (prompt, response) in enumerate(group):
                end = len(prompt) + len(response)
                ids[row, :end] = torch.tensor(prompt + response)
                labels[row, len(prompt):end] = torch.tensor(response)
                mask[row, :end] = 1
            with torch.no_grad():
                logits = loaded(ids, attention_mask=mask).logits
            total += torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum").item()
        theirs = total / sum(len(response) for _, response in pairs)
        train(make_recipe(os.path.join(here, "four.yaml"), model_name_or_path=model, dataset=data,
                          output_dir=output, max_steps=1, overwrite_output_dir=True,
                          disable_shuffling=True, global_batch_size=4,
                          per_device_train_batch_size=together))
        ours = losses(output)[0]
        check(abs(ours / theirs - 1) < 1e-4,
              "%d examples together: ours %.6f, theirs %.6f" % (together, ours, theirs))


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    check_loads(base, "init")
    tuned = os.path.join(here, "tuned")
    train(make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, output_dir=tuned,
                      dataset=make_data(os.path.join(here, "data.json")), num_train_epochs=4))
    check_loads(tuned, "train")
    check_loads(os.path.join(tuned, "checkpoint-4"), "checkpoint")
    merged = os.path.join(here, "merged")
    check(run("merge", base, tuned, "-o", merged).returncode == 0, "merge")
    check_loads(merged, "merge")
    untied = make_base(os.path.join(here, "untied"), tie_word_embeddings=False,
                       torch_dtype="bfloat16")
    tuned = os.path.join(here, "tuned16")
    train(make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=untied, bf16=True,
                      output_dir=tuned, dataset=os.path.join(here, "data.json")))
    loaded, report = AutoModelForCausalLM.from_pretrained(tuned, output_loading_info=True,
                                                          torch_dtype="auto")
    check(not any(report[key] for key in ("missing_keys", "unexpected_keys")), "untied: %s" % report)
    check(loaded.dtype == torch.bfloat16, "and stays bf16")
    for name, changes in FAMILIES.items():
        base = make_base(os.path.join(here, name), **changes)
        check_loads(base, name + ": init")
        tuned = os.path.join(here, name + "-tuned")
        train(make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base,
                          output_dir=tuned, dataset=os.path.join(here, "data.json")))
        check_loss(tuned, here, name + ": train")
        merged = os.path.join(here, name + "-merged")
        check(run("merge", base, tuned, "-o", merged).returncode == 0, name + ": merge")
        check_loads(merged, name + ": merge")
    check_batches(os.path.join(here, "phi3"), here)
finish()
