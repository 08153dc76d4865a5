// SPDX-License-Identifier: Apache-2.0
// What `lewin train` is told to do: one typed table of keys, named as in LLaMA-Factory where the
// meaning is the same and with its defaults (transformers' where it has none). A recipe is checked as
// a whole before anything is loaded. Called by cli/cmd_train.c; the training loop reads the values.
#ifndef LW_TRAINER_RECIPE_H
#define LW_TRAINER_RECIPE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/options.h"
#include "trainer/dataset.h"
#include "trainer/schedule.h"

struct lw_string;

enum lw_compute_type { LW_COMPUTE_AUTO, LW_COMPUTE_BF16, LW_COMPUTE_FP32 };
enum lw_strategy { LW_STRATEGY_NO, LW_STRATEGY_STEPS };

// Texts are owned by the recipe, NULL where nothing is set. Choices are ints, as options.h stores
// them; the comment names the enum.
struct lw_recipe {
    // Model and method.
    char *model_name_or_path;
    int stage, finetuning_type; // the one choice that there is
    bool do_train;

    // Data.
    struct lw_option_list dataset; // names or paths, see source.h
    char *dataset_dir;
    char *template_name;
    int64_t cutoff_len;
    bool train_on_prompt, mask_history;
    int64_t max_samples; // 0: all
    double val_size;
    int on_bad_record;  // enum lw_bad_record_policy
    int on_long_record; // 0: cut, 1: drop
    bool disable_shuffling;
    int64_t preprocessing_num_workers; // 0: all cores

    // The run.
    int64_t global_batch_size; // examples per optimizer step; never 0 once checked
    int64_t per_device_train_batch_size, gradient_accumulation_steps; // 0: not given
    int64_t per_device_eval_batch_size;
    double num_train_epochs;
    int64_t max_steps; // above 0: instead of num_train_epochs
    double learning_rate;
    int lr_scheduler_type; // enum lw_schedule_kind
    double warmup_ratio;
    int64_t warmup_steps;
    double weight_decay, adam_beta1, adam_beta2, adam_epsilon;
    double max_grad_norm;    // 0: no clipping
    int64_t seed, data_seed; // data_seed: never negative once checked

    // The device.
    char *device;
    int compute_type; // enum lw_compute_type; never AUTO once checked
    bool bf16, fp16;
    int64_t tokens_per_batch; // 0: chosen from the data

    // Output.
    char *output_dir;
    bool overwrite_output_dir, save_only_model;
    int64_t logging_steps, save_steps, eval_steps; // eval_steps: 0 is once, at the end
    int save_strategy, eval_strategy;              // enum lw_strategy
    int64_t save_total_limit;                      // 0: all are kept
    char *resume_from_checkpoint;

    // Taken so that recipes of LLaMA-Factory can be used as they are; without effect here.
    bool trust_remote_code, plot_loss, overwrite_cache;
    int64_t dataloader_num_workers, ddp_timeout;
    char *deepspeed, *report_to;
};

// The table of all keys.
const struct lw_option *lw_recipe_options(void);

// Defaults, then the file at `path` (NULL: none), then `count` assignments "key=value" of the
// command line; then the check. LW_USAGE for a key, type, value or combination that is wrong;
// LW_BAD_INPUT for a file that cannot be read. On failure nothing needs to be freed.
bool lw_recipe_load(struct lw_recipe *recipe, const char *path, const char *const *assignments,
    size_t count, struct lw_error *error);
void lw_recipe_free(struct lw_recipe *recipe);

// Appends the recipe with every value as a file that lw_recipe_load reads to the same values: the
// record of a run.
bool lw_recipe_print(
    const struct lw_recipe *recipe, struct lw_string *text, struct lw_error *error);

// The schedule of a run of `total_updates`.
struct lw_schedule lw_recipe_schedule(const struct lw_recipe *recipe, uint64_t total_updates);

// Everything of lw_dataset_load but the sources, the tokenizer and the callback.
struct lw_dataset_params lw_recipe_dataset(const struct lw_recipe *recipe);

#endif
