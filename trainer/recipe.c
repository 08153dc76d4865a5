// SPDX-License-Identifier: Apache-2.0
// Reading and checking recipes. See recipe.h.
#include "trainer/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "engine/io/options_file.h"
#include "engine/text/recognise.h"

static bool check_presence(const struct lw_recipe *recipe, struct lw_error *error)
{
    const struct {
        bool present;
        const char *name;
    } needed[] = {
        {recipe->model_name_or_path, "model_name_or_path"},
        {recipe->dataset.count, "dataset"},
        {recipe->output_dir, "output_dir"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!needed[i].present) {
            return lw_fail(error, LW_USAGE, "the recipe does not say %s", needed[i].name);
        }
    }
    return true;
}

static bool check_template(const char *name, struct lw_error *error)
{
    const struct lw_template *chosen;
    return !name || lw_template_choose(&chosen, name, NULL, error);
}

static bool check_values(const struct lw_recipe *recipe, struct lw_error *error)
{
    if (recipe->train_on_prompt && recipe->mask_history) {
        return lw_fail(error, LW_USAGE, "train_on_prompt and mask_history exclude each other");
    }
    if (recipe->val_size >= 1 && recipe->val_size != floor(recipe->val_size)) {
        return lw_fail(error, LW_USAGE, "val_size is a share below 1 or a whole number, not %g",
            recipe->val_size);
    }
    if (!recipe->do_train) {
        return lw_fail(error, LW_USAGE, "do_train: false leaves nothing to do");
    }
    if (recipe->compute_type == LW_COMPUTE_BF16 && !recipe->bf16) {
        return lw_fail(error, LW_USAGE, "compute_type: bf16 and bf16: false contradict each other");
    }
    if (recipe->tokens_per_batch && recipe->tokens_per_batch < recipe->cutoff_len) {
        return lw_fail(error, LW_USAGE,
            "tokens_per_batch (%lld) must not be below cutoff_len (%lld): an example is never "
            "split",
            (long long)recipe->tokens_per_batch, (long long)recipe->cutoff_len);
    }
    return true;
}

bool lw_recipe_probabilities(
    const struct lw_recipe *recipe, double **probabilities, struct lw_error *error)
{
    const struct lw_option_list *list = &recipe->interleave_probs;
    *probabilities = NULL;
    if (!list->count) {
        return true;
    }
    double *numbers = lw_calloc(list->count, sizeof *numbers, error);
    bool read = numbers != NULL;
    for (size_t i = 0; i < list->count && read; i++) {
        char *end = NULL;
        numbers[i] = strtod(list->items[i], &end);
        read = end != list->items[i] && !*end;
        if (!read) {
            lw_fail(error, LW_USAGE, "interleave_probs: \"%s\" is not a number", list->items[i]);
        }
    }
    if (!read) {
        lw_free(numbers);
        return false;
    }
    *probabilities = numbers;
    return true;
}

static bool check_mixture(const struct lw_recipe *recipe, struct lw_error *error)
{
    double *probabilities = NULL;
    if (recipe->eval_dataset.count && recipe->val_size > 0) {
        return lw_fail(error, LW_USAGE, "eval_dataset and val_size exclude each other");
    }
    if (!lw_recipe_probabilities(recipe, &probabilities, error)) {
        return false;
    }
    enum lw_mix_strategy strategy = (enum lw_mix_strategy)recipe->mix_strategy;
    const size_t counts[] = {recipe->dataset.count, recipe->eval_dataset.count};
    bool right = true;
    for (int i = 0; i < 2 && right && probabilities; i++) {
        right = !counts[i] || lw_mixture_check(strategy, probabilities,
                                  recipe->interleave_probs.count, counts[i], error);
    }
    lw_free(probabilities);
    return right;
}

// transformers' rule: a share of the run, or a whole number.
static bool check_intervals(const struct lw_recipe *recipe, struct lw_error *error)
{
    const struct {
        const char *name;
        double steps;
    } intervals[] = {{"logging_steps", recipe->logging_steps}, {"save_steps", recipe->save_steps},
        {"eval_steps", recipe->eval_steps}};
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        double steps = intervals[i].steps;
        if (steps > 1 && steps != floor(steps)) {
            return lw_fail(error, LW_USAGE, "%s is a share below 1 or a whole number, not %g",
                intervals[i].name, steps);
        }
    }
    return true;
}

static bool check_packing(const struct lw_recipe *recipe, struct lw_error *error)
{
    if (recipe->packing && !recipe->neat_packing) {
        return lw_fail(error, LW_USAGE,
            "packing: true without neat_packing: true lets examples of a pack attend to each "
            "other, which trains them on text that is not theirs; add neat_packing: true, or take "
            "packing out: without it no padding is computed here either");
    }
    if (recipe->neat_packing && recipe->cutoff_len < 2) {
        return lw_fail(error, LW_USAGE, "neat_packing needs a cutoff_len of 2 or more");
    }
    if (recipe->neat_packing && recipe->train_on_prompt) {
        return lw_fail(error, LW_USAGE,
            "neat_packing with train_on_prompt would train the first token of each example on the "
            "end of the one packed before it; take one of the two out");
    }
    return true;
}

static bool check_schedule(const struct lw_recipe *recipe, struct lw_error *error)
{
    struct lw_schedule schedule;
    if (!lw_recipe_schedule(recipe, 1, &schedule, error)) {
        return false;
    }
    return schedule.kind != LW_SCHEDULE_POLYNOMIAL || schedule.peak > schedule.kwargs.lr_end ||
           lw_fail(error, LW_USAGE,
               "lr_scheduler_kwargs: lr_end (%g) must be below learning_rate (%g)",
               schedule.kwargs.lr_end, schedule.peak);
}

// Examples per step from the one key or the two; those that are given must agree.
static bool resolve_batch(struct lw_recipe *recipe, struct lw_error *error)
{
    int64_t batch = recipe->per_device_train_batch_size;
    int64_t accumulation = recipe->gradient_accumulation_steps;
    if (!recipe->global_batch_size) {
        recipe->per_device_train_batch_size = batch ? batch : 8;
        recipe->global_batch_size =
            recipe->per_device_train_batch_size * (accumulation ? accumulation : 1);
        return true;
    }
    int64_t product = (batch ? batch : 1) * (accumulation ? accumulation : 1);
    bool both = batch && accumulation;
    if (both ? product != recipe->global_batch_size : recipe->global_batch_size % product != 0) {
        return lw_fail(error, LW_USAGE,
            "global_batch_size (%lld) contradicts per_device_train_batch_size and "
            "gradient_accumulation_steps, whose product is %lld; give either the one or the two",
            (long long)recipe->global_batch_size, (long long)product);
    }
    return true;
}

static bool resolve(struct lw_recipe *recipe, struct lw_error *error)
{
    if (recipe->compute_type == LW_COMPUTE_AUTO) {
        recipe->compute_type = recipe->bf16 ? LW_COMPUTE_BF16 : LW_COMPUTE_FP32;
    }
    if (recipe->eval_strategy == LW_STRATEGY_STEPS && recipe->eval_steps == 0) {
        recipe->eval_steps = recipe->logging_steps; // as transformers does
    }
    recipe->data_seed = recipe->data_seed < 0 ? recipe->seed : recipe->data_seed;
    return resolve_batch(recipe, error);
}

bool lw_recipe_load(struct lw_recipe *recipe, const char *path, const char *const *assignments,
    size_t count, struct lw_error *error)
{
    const struct lw_option *options = lw_recipe_options();
    memset(recipe, 0, sizeof *recipe);
    bool loaded = lw_options_defaults(options, recipe, error) &&
                  (!path || lw_options_read(options, recipe, path, error));
    for (size_t i = 0; loaded && i < count; i++) {
        loaded = lw_options_assign(options, recipe, assignments[i], error);
    }
    loaded = loaded && check_presence(recipe, error) &&
             check_template(recipe->template_name, error) && check_values(recipe, error) &&
             check_mixture(recipe, error) && check_intervals(recipe, error) &&
             check_packing(recipe, error) && check_schedule(recipe, error) &&
             resolve(recipe, error);
    if (!loaded) {
        lw_recipe_free(recipe);
    }
    return loaded;
}

bool lw_recipe_choose_template(struct lw_recipe *recipe, bool *chosen, struct lw_error *error)
{
    const struct lw_template *found;
    *chosen = !recipe->template_name;
    if (!*chosen) {
        return true;
    }
    if (!lw_template_choose(&found, NULL, recipe->model_name_or_path, error)) {
        return false;
    }
    recipe->template_name = lw_strdup(lw_template_name(found), error);
    return recipe->template_name != NULL;
}

void lw_recipe_free(struct lw_recipe *recipe)
{
    lw_options_free(lw_recipe_options(), recipe);
}

// A text as a YAML scalar in double quotes.
static bool add_quoted(struct lw_string *out, const char *text, struct lw_error *error)
{
    bool added = lw_string_add(out, "\"", 1, error);
    for (; *text && added; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f) {
            added = lw_string_addf(out, error, "\\x%02x", byte);
        } else {
            added = (byte != '"' && byte != '\\') || lw_string_add(out, "\\", 1, error);
            added = added && lw_string_add(out, text, 1, error);
        }
    }
    return added && lw_string_add(out, "\"", 1, error);
}

bool lw_recipe_print(const struct lw_recipe *recipe, struct lw_string *text, struct lw_error *error)
{
    struct lw_string value = {0};
    bool printed = true;
    for (const struct lw_option *row = lw_recipe_options(); row->name && printed; row++) {
        bool quoted = row->type == LW_OPTION_STRING || row->type == LW_OPTION_LIST;
        lw_string_clear(&value);
        printed = lw_options_print(row, recipe, &value, error);
        if (!printed || !value.length) {
            continue;
        }
        printed = lw_string_addf(text, error, "%s: ", row->name) &&
                  (quoted ? add_quoted(text, value.data, error)
                          : lw_string_add(text, value.data, value.length, error)) &&
                  lw_string_add(text, "\n", 1, error);
    }
    lw_string_free(&value);
    return printed;
}

struct lw_course lw_recipe_course(const struct lw_recipe *recipe, uint64_t examples)
{
    int64_t global = recipe->global_batch_size, accumulation = recipe->gradient_accumulation_steps;
    int64_t batch = recipe->per_device_train_batch_size;
    batch = batch ? batch : global / (accumulation ? accumulation : 1);
    return lw_course_of(examples, (uint64_t)batch, (uint64_t)(global / batch),
        recipe->num_train_epochs, recipe->max_steps);
}

bool lw_recipe_schedule(const struct lw_recipe *recipe, uint64_t total_updates,
    struct lw_schedule *schedule, struct lw_error *error)
{
    *schedule = (struct lw_schedule){
        .kind = (enum lw_schedule_kind)recipe->lr_scheduler_type,
        .peak = recipe->learning_rate,
        .warmup_updates =
            lw_schedule_warmup(total_updates, recipe->warmup_steps, recipe->warmup_ratio),
        .total_updates = total_updates,
    };
    return lw_schedule_kwargs_read(
        &schedule->kwargs, schedule->kind, &recipe->lr_scheduler_kwargs, error);
}

struct lw_dataset_params lw_recipe_dataset(const struct lw_recipe *recipe)
{
    // LLaMA-Factory takes a token off where examples are packed.
    size_t tokens = (size_t)recipe->cutoff_len - (recipe->neat_packing ? 1 : 0);
    return (struct lw_dataset_params){
        .chat_template = lw_template_find(recipe->template_name),
        .mix_strategy = (enum lw_mix_strategy)recipe->mix_strategy,
        .mask = {.cutoff_len = tokens,
            .train_on_prompt = recipe->train_on_prompt,
            .mask_history = recipe->mask_history,
            .keep_ends = recipe->on_long_record == LW_LONG_RECORD_SAFE},
        .options = {.thinking = (enum lw_thinking)recipe->enable_thinking,
            .mask_history = recipe->mask_history,
            .preserve_thinking = recipe->preserve_thinking,
            .mark_ends = recipe->on_long_record == LW_LONG_RECORD_SAFE,
            .default_system = recipe->default_system,
            .tools_date = recipe->tools_date},
        .drop_long = recipe->on_long_record == LW_LONG_RECORD_DROP,
        .on_bad_record = (enum lw_bad_record_policy)recipe->on_bad_record,
        .max_samples = (uint64_t)recipe->max_samples,
        .val_size = recipe->val_size,
        .split_seed = (uint64_t)recipe->seed,
        .order_seed = (uint64_t)recipe->data_seed,
        .keep_order = recipe->disable_shuffling,
        .pack_tokens = recipe->neat_packing ? (uint32_t)tokens : 0,
        .pack_batch = (size_t)recipe->preprocessing_batch_size,
        .pack_workers = (size_t)recipe->preprocessing_num_workers,
        .threads = (unsigned)recipe->preprocessing_num_workers,
    };
}
