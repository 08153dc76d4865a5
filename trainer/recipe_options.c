// SPDX-License-Identifier: Apache-2.0
// The table of a recipe's keys. See recipe.h. Reading a recipe, `lewin train --help`, the record of a
// run and the documentation come from these rows.
#include "trainer/recipe.h"

static const char *const stages[] = {"sft", NULL};
static const char *const finetuning_types[] = {"full", NULL};
static const char *const bad_record_policies[] = {"stop", "skip", NULL};
static const char *const long_record_policies[] = {"cut", "drop", NULL};
static const char *const schedules[] = {
    "cosine", "linear", "constant", "constant_with_warmup", NULL};
static const char *const compute_types[] = {"auto", "bf16", "fp32", NULL};
static const char *const strategies[] = {"no", "steps", NULL};

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

enum { billion = 1000000000 };

static const struct lw_option options[] = {
    TEXT(model_name_or_path, "folder of the model to start from"),
    CHOICE(stage, stages, "sft", "supervised fine-tuning"),
    CHOICE(finetuning_type, finetuning_types, "full", "all parameters are trained"),
    SWITCH(do_train, "true", "there is nothing to do without"),
    {"dataset", LW_OPTION_LIST, MEMBER(dataset), 0, 0, NULL, NULL,
        "names of dataset_info.json or files, separated by commas"},
    TEXT(dataset_dir, "folder of dataset_info.json and of the files"),
    {"template", LW_OPTION_STRING, MEMBER(template_name), 0, 0, NULL, NULL,
        "chat template: qwen, llama3, ..."},
    INTEGER(cutoff_len, 1, 1 << 24, "2048", "longest example in tokens"),
    SWITCH(train_on_prompt, "false", "prompts are trained on too"),
    SWITCH(mask_history, "false", "only the last response of a conversation is trained on"),
    INTEGER(max_samples, 0, 1e18, NULL, "records taken from each file; 0: all"),
    NUMBER(val_size, 0, 1e15, "0", "held out: a share below 1, a number from 1 up"),
    CHOICE(on_bad_record, bad_record_policies, "stop", "what to do about an unusable record"),
    CHOICE(on_long_record, long_record_policies, "cut",
        "cut what is longer than cutoff_len as LLaMA-Factory does, or leave the record out"),
    SWITCH(disable_shuffling, "false", "train in the order of the files"),
    INTEGER(preprocessing_num_workers, 0, 1024, NULL, "threads that encode the data; 0: all cores"),
    INTEGER(global_batch_size, 0, billion, NULL, "examples per optimizer step"),
    INTEGER(per_device_train_batch_size, 0, billion, NULL,
        "with gradient_accumulation_steps, the same as a product (default 8)"),
    INTEGER(gradient_accumulation_steps, 0, billion, NULL, "see above (default 1)"),
    INTEGER(per_device_eval_batch_size, 1, billion, "8", "examples that eval_loss averages over"),
    NUMBER(num_train_epochs, 1e-9, 1e9, "3", "passes over the data"),
    INTEGER(max_steps, -1, 1e15, "-1", "above 0: optimizer steps, instead of num_train_epochs"),
    NUMBER(learning_rate, 0, 1e6, "5e-5", "peak learning rate"),
    CHOICE(lr_scheduler_type, schedules, "linear", "course of the learning rate"),
    NUMBER(warmup_ratio, 0, 1, "0", "share of the steps in which the learning rate rises"),
    INTEGER(warmup_steps, 0, 1e15, "0", "above 0: the number of those steps"),
    NUMBER(weight_decay, 0, 1e6, "0", "decoupled; not for norms and biases"),
    NUMBER(adam_beta1, 0, 0.9999999, "0.9", "decay of the mean of gradients"),
    NUMBER(adam_beta2, 0, 0.9999999, "0.999", "decay of the mean of squared gradients"),
    NUMBER(adam_epsilon, 0, 1, "1e-8", "added to the root of the latter"),
    NUMBER(max_grad_norm, 0, 1e9, "1.0", "longer gradients are scaled down to it; 0: never"),
    INTEGER(seed, 0, 9e15, "42", "of the held-out part and the order"),
    INTEGER(data_seed, -1, 9e15, "-1", "of the order; -1: seed"),
    TEXT(device, "number or part of the name, as lewin devices lists them"),
    CHOICE(compute_type, compute_types, "auto",
        "of weights and activations; auto: bf16, or fp32 with bf16: false"),
    SWITCH(bf16, "true", "see compute_type"),
    SWITCH(fp16, "false", "refused: use bf16"),
    INTEGER(tokens_per_batch, 0, 1 << 24, NULL,
        "tokens computed at a time; 0: chosen from the data. Changes speed and memory only"),
    TEXT(output_dir, "folder of the trained model, its checkpoints and logs"),
    SWITCH(overwrite_output_dir, "false", "what output_dir holds from an earlier run is removed"),
    SWITCH(save_only_model, "false", "checkpoints cannot be resumed from, but are a sixth in size"),
    INTEGER(logging_steps, 1, billion, "500", "steps between two lines of the log"),
    INTEGER(save_steps, 1, billion, "500", "steps between two checkpoints"),
    CHOICE(save_strategy, strategies, "steps", "no: only the trained model is saved"),
    INTEGER(save_total_limit, 0, billion, NULL, "checkpoints that are kept; 0: all"),
    INTEGER(eval_steps, 0, billion, NULL,
        "steps between two measurements on the held-out part; 0: once, at the end"),
    CHOICE(eval_strategy, strategies, "steps", "no: the held-out part is never measured"),
    TEXT(resume_from_checkpoint, "folder of a checkpoint, or true: the last one in output_dir"),
    SWITCH(trust_remote_code, "false", "without effect"),
    SWITCH(plot_loss, "true", "without effect: training_loss.svg is always drawn"),
    SWITCH(overwrite_cache, "false", "without effect"),
    INTEGER(dataloader_num_workers, 0, billion, NULL, "without effect"),
    INTEGER(ddp_timeout, 0, 1e15, NULL, "without effect"),
    TEXT(deepspeed, "without effect"),
    TEXT(report_to, "without effect"),
    {NULL, LW_OPTION_BOOL, 0, 0, 0, NULL, NULL, NULL},
};

const struct lw_option *lw_recipe_options(void)
{
    return options;
}
