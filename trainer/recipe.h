// SPDX-License-Identifier: Apache-2.0
// What `lewin train` is told to do: one typed table of keys, named as in LLaMA-Factory where the
// meaning is the same and with its defaults (transformers' where it has none). A recipe is checked as
// a whole before anything is loaded. Called by cli/cmd_train.c; the training loop reads the values.
#ifndef LW_TRAINER_RECIPE_H
#define LW_TRAINER_RECIPE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/options.h"
#include "trainer/course.h"
#include "trainer/data/dataset.h"
#include "trainer/schedule.h"

struct lw_string;

// What becomes of a record that is longer than cutoff_len.
enum lw_long_record_policy {
    LW_LONG_RECORD_CUT,  // as LLaMA-Factory cuts it
    LW_LONG_RECORD_SAFE, // shortened where no header and no stop token is lost: keep_ends
    LW_LONG_RECORD_DROP
};

enum lw_compute_type { LW_COMPUTE_AUTO, LW_COMPUTE_BF16, LW_COMPUTE_FP32 };

// Texts are owned by the recipe, NULL where nothing is set. Choices are ints, as options.h stores
// them; the comment names the enum.
struct lw_recipe {
    // Model and method.
    char *model_name_or_path;
    int stage, finetuning_type; // the one choice that there is
    bool do_train;

    // Data.
    struct lw_option_list dataset, eval_dataset; // names or paths, see source.h
    int mix_strategy;                            // enum lw_mix_strategy
    struct lw_option_list interleave_probs;      // numbers, see lw_recipe_probabilities
    char *dataset_dir;
    char *template_name; // NULL until lw_recipe_choose_template, when the recipe does not say
    char *default_system;
    int enable_thinking; // enum lw_thinking
    bool preserve_thinking;
    char *tools_date; // NULL: the day on which the data is encoded
    int64_t cutoff_len;
    bool train_on_prompt, mask_history;
    int64_t max_samples; // 0: all
    double val_size;
    int on_bad_record;  // enum lw_bad_record_policy
    int on_long_record; // enum lw_long_record_policy
    bool disable_shuffling;
    int64_t preprocessing_num_workers; // 0: all cores
    bool packing, neat_packing;
    int64_t preprocessing_batch_size;
    char *tokenized_path; // folder of the encoded data; NULL: the cache folder
    bool overwrite_cache;

    // The run.
    int64_t global_batch_size; // examples per optimizer step; never 0 once checked
    // 0: not given. The first is never 0 once checked, unless global_batch_size was given.
    int64_t per_device_train_batch_size, gradient_accumulation_steps;
    double num_train_epochs;
    int64_t max_steps; // above 0: instead of num_train_epochs
    double learning_rate;
    int lr_scheduler_type; // enum lw_schedule_kind
    double warmup_ratio;
    double warmup_steps;
    struct lw_option_list lr_scheduler_kwargs; // "name: value"
    double weight_decay, adam_beta1, adam_beta2, adam_epsilon;
    double max_grad_norm;    // 0: no clipping
    int64_t seed, data_seed; // data_seed: never negative once checked

    // The device.
    char *device;
    int compute_type; // enum lw_compute_type; never AUTO once checked
    bool bf16;
    int64_t tokens_per_batch; // 0: chosen from the data

    // Output.
    char *output_dir;
    bool overwrite_output_dir, save_only_model;
    int logging_strategy, save_strategy, eval_strategy; // enum lw_strategy
    double logging_steps, save_steps, eval_steps;       // updates, or below 1 a share of the run
    double eval_delay;
    bool logging_first_step, eval_on_start, do_eval;
    int64_t per_device_eval_batch_size;
    int64_t save_total_limit; // 0: all are kept
    char *resume_from_checkpoint;

    // Keys that were given and change nothing here.
    struct lw_option_list without_effect;
};

// The table of all keys.
const struct lw_option *lw_recipe_options(void);

// Defaults, then the file at `path` (NULL: none), then `count` assignments "key=value" of the
// command line; then the check. LW_USAGE for a key, type, value or combination that is wrong;
// LW_BAD_INPUT for a file that cannot be read. On failure nothing needs to be freed.
bool lw_recipe_load(struct lw_recipe *recipe, const char *path, const char *const *assignments,
    size_t count, struct lw_error *error);
void lw_recipe_free(struct lw_recipe *recipe);

// Gives a recipe without template_name the one that is recognised from the model's folder; *chosen
// says whether it was. LW_BAD_INPUT when none is.
bool lw_recipe_choose_template(struct lw_recipe *recipe, bool *chosen, struct lw_error *error);

// Appends the recipe with every value as a file that lw_recipe_load reads to the same values: the
// record of a run.
bool lw_recipe_print(
    const struct lw_recipe *recipe, struct lw_string *text, struct lw_error *error);

// The updates of a run over `examples`, in batches of per_device_train_batch_size where it is given.
struct lw_course lw_recipe_course(const struct lw_recipe *recipe, uint64_t examples);

// The schedule of a run of `total_updates`. LW_USAGE where lr_scheduler_kwargs are wrong.
bool lw_recipe_schedule(const struct lw_recipe *recipe, uint64_t total_updates,
    struct lw_schedule *schedule, struct lw_error *error);

// Puts the numbers of interleave_probs into *probabilities, one for each data set, for lw_free; NULL
// when the recipe has none.
bool lw_recipe_probabilities(
    const struct lw_recipe *recipe, double **probabilities, struct lw_error *error);

// Everything of lw_dataset_load but the sources and probabilities, the store, the tokenizer and the
// callback.
struct lw_dataset_params lw_recipe_dataset(const struct lw_recipe *recipe);

#endif
