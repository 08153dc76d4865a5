# SPDX-License-Identifier: Apache-2.0
"""What lewin train, merge and init write, loaded by transformers: no key is missing, none is left
over, and its greedy answer is ours. Skipped where this Python has no transformers.
"""
import os

from lewin_test import check, finish, folder, run, skip
from training import make_base, make_data, make_recipe, train

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
    with torch.no_grad():
        answer = loaded.float().generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                                         max_new_tokens=100)
    theirs = tokenizer.decode(answer[0, ids.shape[1]:], skip_special_tokens=True)
    said = run("chat", model, "--prompt", QUESTION, "--system", "Be kind.", "--temperature", 0,
               "--max-tokens", 100)
    check(said.stdout == theirs + "\n", "%s: ours %r, theirs %r" % (what, said.stdout, theirs))


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
    qwen3 = make_base(os.path.join(here, "qwen3"), architectures=["Qwen3ForCausalLM"],
                      model_type="qwen3", head_dim=16, attention_bias=False)
    check_loads(qwen3, "qwen3: init")
    tuned = os.path.join(here, "tuned3")
    train(make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=qwen3,
                      output_dir=tuned, dataset=os.path.join(here, "data.json")))
    check_loads(tuned, "qwen3: train")
finish()
