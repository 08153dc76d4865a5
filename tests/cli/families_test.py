# SPDX-License-Identifier: Apache-2.0
"""Every family through init, train, merge and chat; which of longrope's factors an example is trained
with; the padding token's embedding; settings that training must refuse.
"""
import json
import os

import model_folder
from lewin_test import check, check_fails, finish, folder, run
from training import (FAMILIES, TOKENIZER, conversation, losses, make_base, make_data, make_recipe,
                      train)


def check_family(here, name, changes):
    base = make_base(os.path.join(here, name), **changes)
    tuned, merged = os.path.join(here, name + "-tuned"), os.path.join(here, name + "-merged")
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base,
                         output_dir=tuned, dataset=os.path.join(here, "data.json"))
    train(recipe)
    fall = losses(tuned)
    check(fall[-1] < fall[0] - 0.5, "%s learns: %s" % (name, fall))
    check(sorted(model_folder.read(base)) == sorted(model_folder.read(tuned)), name + ": its names")
    done = run("merge", base, tuned, "-o", merged)
    check(done.returncode == 0, name + ": merge", done)
    said = run("chat", merged, "--template", "qwen", "--prompt", "the old river?", "--temperature", 0,
               "--max-tokens", 60) # longrope changes its factors on the way
    check(said.returncode == 0, name + ": chat", said)


def check_longrope(here):
    """One long example and three short ones: computed together, all of them get the long factors."""
    base = os.path.join(here, "phi3")
    words = " the old river" * 12
    data = os.path.join(here, "mixed.json")
    with open(data, "w") as file:
        json.dump([conversation(["a?", words if i == 2 else "blue."]) for i in range(4)], file)

    def first_loss(*keys):
        output = os.path.join(here, "rotated")
        recipe = make_recipe(os.path.join(here, "mixed.yaml"), model_name_or_path=base, dataset=data,
                             output_dir=output, disable_shuffling=True, max_steps=1,
                             global_batch_size=None, overwrite_output_dir=True, logging_steps=1)
        train(recipe, *keys)
        return losses(output)[0]

    alone = first_loss("global_batch_size=4")
    check(first_loss("per_device_train_batch_size=1", "gradient_accumulation_steps=4") == alone,
          "examples by themselves")
    pairs = first_loss("per_device_train_batch_size=2", "gradient_accumulation_steps=2")
    together = first_loss("per_device_train_batch_size=4")
    check(len({alone, pairs, together}) == 3, "grouping counts: %s" % [alone, pairs, together])
    packed = first_loss("per_device_train_batch_size=4", "tokens_per_batch=256")
    check(abs(packed - together) < 1e-4, "and packing does not: %s" % [packed, together])


def check_padding(here):
    """The end of an answer as padding token: its embedding stays, as with nn.Embedding's padding_idx."""
    with open(os.path.join(TOKENIZER, "tokenizer.json"), encoding="utf-8") as file:
        end = next(token["id"] for token in json.load(file)["added_tokens"]
                   if token["content"] == "<|im_end|>")
    for pad in (None, end):
        base = make_base(os.path.join(here, "pad%s" % pad), tie_word_embeddings=False,
                         architectures=["LlamaForCausalLM"], model_type="llama", pad_token_id=pad)
        tuned = os.path.join(here, "pad%s-tuned" % pad)
        train(make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, max_steps=4,
                          weight_decay=0, output_dir=tuned, dataset=os.path.join(here, "data.json")))
        rows = [model_folder.read(path)["model.embed_tokens.weight"][2] for path in (base, tuned)]
        before, after = (row[end * 32 * 4:(end + 1) * 32 * 4] for row in rows)
        check((before == after) == (pad == end), "the embedding of a padding token stays")
        check(rows[0] != rows[1], "others move")


def check_refused(here):
    for name, changes, parts in (
            ("yarn", {"rope_scaling": {"type": "yarn", "factor": 4.0}}, ("yarn", "longrope")),
            ("unknown", {"architectures": ["Gemma2ForCausalLM"]},
             ("Gemma2ForCausalLM", "Qwen3ForCausalLM", "MistralForCausalLM", "Phi3ForCausalLM"))):
        with open(os.path.join(here, "qwen3.json")) as file:
            config = {**json.load(file), **changes}
        with open(os.path.join(here, name + ".json"), "w") as file:
            json.dump(config, file)
        check_fails(run("init", os.path.join(here, name + ".json"), "-o", os.path.join(here, name)), 3,
                    *parts)
    base = make_base(os.path.join(here, "dropout"), attention_dropout=0.1)
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base,
                         output_dir=os.path.join(here, "out"), dataset=os.path.join(here, "data.json"))
    check_fails(run("train", recipe), 3, "attention_dropout", "0.1")


with folder() as here:
    make_data(os.path.join(here, "data.json"))
    for name, changes in FAMILIES.items():
        check_family(here, name, changes)
    check_longrope(here)
    check_padding(here)
    check_refused(here)
finish()
