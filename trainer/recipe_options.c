// SPDX-License-Identifier: Apache-2.0
// The table of a recipe's keys. See recipe.h. Reading a recipe, `lewin train --help`, the record of a
// run and the documentation come from these rows.
#include "trainer/recipe.h"
#include "trainer/recipe_foreign.h"

static const char *const stages[] = {"sft", NULL};
static const char *const finetuning_types[] = {"full", NULL};
static const char *const bad_record_policies[] = {"stop", "skip", NULL};
static const char *const mix_strategies[] = {
    "concat", "interleave_under", "interleave_over", "interleave_once", NULL};
static const char *const long_record_policies[] = {"cut", "safe", "drop", NULL};
static const char *const thinking[] = {"true", "false", "null", NULL};
static const char *const compute_types[] = {"auto", "bf16", "fp32", NULL};
static const char *const strategies[] = {"no", "steps", "epoch", NULL};
static const char *const eval_strategies[] = {"no", "steps", "epoch", "auto", NULL};

#define MEMBER(name) offsetof(struct lw_recipe, name)
#define TEXT(name, help)                                                                           \
    {                                                                                              \
#name, LW_OPTION_STRING, MEMBER(name), 0, 0, NULL, NULL, help                              \
    }
#define SWITCH(name, value, help)                                                                  \
    {                                                                                              \
#name, LW_OPTION_BOOL, MEMBER(name), 0, 0, NULL, value, help                               \
    }
#define CHOICE(name, choices, value, help)                                                         \
    {                                                                                              \
#name, LW_OPTION_CHOICE, MEMBER(name), 0, 0, choices, value, help                          \
    }
#define INTEGER(name, low, high, value, help)                                                      \
    {                                                                                              \
#name, LW_OPTION_INTEGER, MEMBER(name), low, high, NULL, value, help                       \
    }
#define NUMBER(name, low, high, value, help)                                                       \
    {                                                                                              \
#name, LW_OPTION_NUMBER, MEMBER(name), low, high, NULL, value, help                        \
    }

#define HEADING(title)                                                                             \
    {                                                                                              \
        title, LW_OPTION_HEADING, 0, 0, 0, NULL, NULL, NULL                                        \
    }
#define REFUSED(keys, reason)                                                                      \
    {                                                                                              \
#keys, LW_OPTION_REFUSED, 0, 0, 0, keys, NULL, reason                                      \
    }

enum { billion = 1000000000 };

static const struct lw_option options[] = {
    HEADING("Model and method"),
    TEXT(model_name_or_path, "folder of the model to start from"),
    CHOICE(stage, stages, "sft", "Lewin does supervised fine-tuning"),
    CHOICE(finetuning_type, finetuning_types, "full",
        "Lewin trains all parameters, also where this key is absent"),
    SWITCH(do_train, "true", "there is nothing to do without"),
    HEADING("Data"),
    {"dataset", LW_OPTION_LIST, MEMBER(dataset), 0, 0, NULL, NULL,
        "names of dataset_info.json or files, separated by commas"},
    {"eval_dataset", LW_OPTION_LIST, MEMBER(eval_dataset), 0, 0, NULL, NULL,
        "the same for what is held out, instead of val_size"},
    TEXT(dataset_dir, "folder of dataset_info.json and of the files"),
    CHOICE(mix_strategy, mix_strategies, "concat",
        "several data sets one after another, or taking turns until the first has ended, until "
        "each was gone through, or each row once"),
    {"interleave_probs", LW_OPTION_LIST, MEMBER(interleave_probs), 0, 0, NULL, NULL,
        "how likely each has its turn, separated by commas; without them one by one"},
    {"template", LW_OPTION_STRING, MEMBER(template_name), 0, 0, NULL, NULL,
        "chat template: qwen, llama3, ...; absent: recognised from the model's folder"},
    TEXT(default_system, "system prompt of records without one, instead of the template's"),
    CHOICE(enable_thinking, thinking, "true",
        "qwen3: responses without a thought learn an empty one; false: thoughts are removed, the "
        "empty one is read; null: kept, the empty one is read"),
    SWITCH(preserve_thinking, "false", "with mask_history, earlier responses keep their thoughts"),
    TEXT(tools_date,
        "llama3: the date in the description of tools (\"26 Jul 2024\"); absent: the day on "
        "which the data is encoded"),
    INTEGER(cutoff_len, 1, 1 << 24, "2048", "longest example in tokens"),
    SWITCH(train_on_prompt, "false", "prompts are trained on too"),
    SWITCH(mask_history, "false", "only the last response of a conversation is trained on"),
    INTEGER(max_samples, 0, 1e18, NULL, "records taken from each data set; 0: all"),
    NUMBER(val_size, 0, 1e15, "0", "held out: a share below 1, a number from 1 up"),
    CHOICE(on_bad_record, bad_record_policies, "stop", "what to do about an unusable record"),
    CHOICE(on_long_record, long_record_policies, "cut",
        "what is longer than cutoff_len: cut it as LLaMA-Factory does; cut it so that headers and "
        "stop "
        "tokens stay; leave the record out"),
    SWITCH(disable_shuffling, "false", "train in the order of the files"),
    INTEGER(preprocessing_num_workers, 0, 1024, NULL, "threads that encode the data; 0: all cores"),
    TEXT(tokenized_path, "folder that keeps the encoded data; default: tokens in the cache folder"),
    SWITCH(overwrite_cache, "false", "data that was encoded before is encoded anew"),
    SWITCH(neat_packing, "false",
        "an example of a batch is a pack of up to cutoff_len - 1 tokens, as LLaMA-Factory packs"),
    SWITCH(packing, "false", "taken with neat_packing: true alone"),
    INTEGER(preprocessing_batch_size, 1, billion, "1000",
        "with neat_packing: records that are packed together, in each of as many parts of the data "
        "as there are preprocessing_num_workers"),
    HEADING("The run"),
    INTEGER(global_batch_size, 0, billion, NULL, "examples per optimizer step"),
    INTEGER(per_device_train_batch_size, 0, billion, NULL,
        "with gradient_accumulation_steps, the same as a product (default 8)"),
    INTEGER(gradient_accumulation_steps, 0, billion, NULL, "see above (default 1)"),
    NUMBER(num_train_epochs, 1e-9, 1e9, "3", "passes over the data"),
    INTEGER(max_steps, -1, 1e15, "-1", "above 0: optimizer steps, instead of num_train_epochs"),
    NUMBER(learning_rate, 0, 1e6, "5e-5", "peak learning rate"),
    CHOICE(lr_scheduler_type, lw_schedule_names, "linear", "course of the learning rate"),
    {"lr_scheduler_kwargs", LW_OPTION_MAP, MEMBER(lr_scheduler_kwargs), 0, 0, NULL, NULL,
        "what that schedule takes besides, as in transformers"},
    NUMBER(warmup_ratio, 0, 1, "0", "share of the steps in which the learning rate rises"),
    NUMBER(warmup_steps, 0, 1e15, "0",
        "above 0, in place of warmup_ratio: their number, or below 1 their share"),
    NUMBER(weight_decay, 0, 1e6, "0", "decoupled; not for norms and biases"),
    NUMBER(adam_beta1, 0, 0.9999999, "0.9", "decay of the mean of gradients"),
    NUMBER(adam_beta2, 0, 0.9999999, "0.999", "decay of the mean of squared gradients"),
    NUMBER(adam_epsilon, 0, 1, "1e-8", "added to the root of the latter"),
    NUMBER(max_grad_norm, 0, 1e9, "1.0", "longer gradients are scaled down to it; 0: never"),
    INTEGER(seed, 0, 9e15, "42", "of the held-out part and the order"),
    INTEGER(data_seed, -1, 9e15, "-1", "of the order; -1: seed"),
    HEADING("Device"),
    TEXT(device, "number or part of the name, as lewin devices lists them"),
    CHOICE(compute_type, compute_types, "auto",
        "of weights and activations; auto: bf16, or fp32 with bf16: false"),
    SWITCH(bf16, "true", "see compute_type"),
    INTEGER(tokens_per_batch, 0, 1 << 24, NULL,
        "tokens computed at a time; 0: chosen from the data. Changes speed and memory only"),
    HEADING("Output"),
    TEXT(output_dir, "folder of the trained model, its checkpoints and logs"),
    SWITCH(overwrite_output_dir, "false", "what output_dir holds from an earlier run is removed"),
    SWITCH(save_only_model, "false", "checkpoints cannot be resumed from, but are a sixth in size"),
    CHOICE(logging_strategy, strategies, "steps", "when a line is logged"),
    NUMBER(logging_steps, 1e-9, 1e9, "500",
        "steps between two lines of the log; below 1, here and below, a share of the run"),
    SWITCH(logging_first_step, "false", "the first step is logged too"),
    CHOICE(save_strategy, strategies, "steps", "when a checkpoint is written"),
    NUMBER(save_steps, 0, 1e9, "500", "steps between two checkpoints; 0: none"),
    INTEGER(save_total_limit, 0, billion, NULL, "checkpoints that are kept; 0: all"),
    CHOICE(eval_strategy, eval_strategies, "auto",
        "when the held-out part is measured; auto: every eval_steps, and at the end"),
    NUMBER(eval_steps, 0, 1e9, "0",
        "steps between two measurements; 0: logging_steps, with auto only the one at the end"),
    NUMBER(eval_delay, 0, 1e15, "0", "steps, or with epoch epochs, before the first of them"),
    SWITCH(eval_on_start, "false", "measures before the first step too"),
    SWITCH(do_eval, "false", "measures at the end even with eval_strategy: no"),
    INTEGER(per_device_eval_batch_size, 1, billion, "8", "examples that eval_loss averages over"),
    TEXT(resume_from_checkpoint, "folder of a checkpoint, or true: the last one in output_dir"),
    {"Taken without effect", LW_OPTION_IGNORED, MEMBER(without_effect), 0, 0,
        lw_recipe_without_effect, NULL, NULL},
    HEADING("Refused, but for the values that ask for nothing"),
    REFUSED(lw_recipe_lora_keys,
        "Lewin trains all parameters; with finetuning_type: full, take this key out"),
    REFUSED(lw_recipe_freeze_keys,
        "Lewin trains all parameters; with finetuning_type: full, take this key out"),
    REFUSED(lw_recipe_optimizer_keys, "the optimizer is AdamW (adamw_torch)"),
    REFUSED(lw_recipe_loss_keys, "the loss is plain cross-entropy"),
    REFUSED(lw_recipe_model_keys, "the model is trained as its config.json says"),
    REFUSED(lw_recipe_vocabulary_keys, "the tokenizer and the vocabulary stay as they are"),
    REFUSED(lw_recipe_precision_keys,
        "training is in bf16 with fp32 masters and moments (bf16: true) or in fp32 (bf16: false)"),
    REFUSED(lw_recipe_data_keys, "it would change what an example is, or how it is counted"),
    REFUSED(lw_recipe_order_keys,
        "the order is shuffled anew each epoch, or that of the files (disable_shuffling: true), "
        "and no example is left out"),
    REFUSED(lw_recipe_best_keys, "a run goes to its end, whose weights are the trained model"),
    REFUSED(lw_recipe_renamed_keys, "its name is eval_strategy now"),
    REFUSED(lw_recipe_predict_keys, "lewin chat MODEL --prompt TEXT generates"),
    {NULL, LW_OPTION_BOOL, 0, 0, 0, NULL, NULL, NULL},
};

const struct lw_option *lw_recipe_options(void)
{
    return options;
}
