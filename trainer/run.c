// SPDX-License-Identifier: Apache-2.0
// Sets a training run up. See run.h.
#include "trainer/run.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "engine/gpu/profile.h"
#include "trainer/budget.h"
#include "trainer/data/bad_records.h"
#include "trainer/journal.h"
#include "trainer/output.h"

// The largest micro-batch that is chosen by itself.
#define MOST_TOKENS_GPU 8192u
#define MOST_TOKENS_CPU 1024u

static bool load_data(struct lw_trainer *trainer, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    if (!lw_run_data_load(&trainer->data, &trainer->params, trainer->config.vocab_size, error)) {
        return false;
    }
    const struct lw_dataset *dataset = trainer->data.dataset;
    trainer->params.event(
        trainer->params.context, &(struct lw_event){.kind = LW_EVENT_DATA,
                                     .dataset = dataset,
                                     .counts = lw_dataset_counts(dataset),
                                     .train_count = lw_dataset_train_count(dataset),
                                     .held_out_count = lw_dataset_held_out_count(dataset),
                                     .packed = recipe->neat_packing,
                                     .keep_ends = lw_recipe_dataset(recipe).mask.keep_ends});
    return true;
}

static bool plan_updates(struct lw_trainer *trainer, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    trainer->global_batch = (size_t)recipe->global_batch_size;
    int64_t together = recipe->per_device_train_batch_size;
    trainer->together = together ? (size_t)together : 1;
    trainer->course = lw_recipe_course(recipe, lw_dataset_train_count(trainer->data.dataset));
    trainer->log_interval = lw_course_interval(&trainer->course, recipe->logging_steps);
    trainer->save_interval = lw_course_interval(&trainer->course, recipe->save_steps);
    trainer->eval_interval = lw_course_interval(&trainer->course, recipe->eval_steps);
    return lw_recipe_schedule(recipe, trainer->course.total_updates, &trainer->schedule, error);
}

// What, besides the data, decides the weights: a run can only be resumed under the same recipe.
static bool hash_recipe(struct lw_trainer *trainer, uint64_t *hash, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    const struct lw_schedule *schedule = &trainer->schedule;
    struct lw_string text = {0};
    bool done = lw_string_addf(&text, error,
        "%d %.17g %llu %llu %llu %d %.17g %.17g %.17g %.17g "
        "%.17g",
        (int)schedule->kind, schedule->peak, (unsigned long long)schedule->warmup_updates,
        (unsigned long long)schedule->total_updates, (unsigned long long)trainer->global_batch,
        recipe->compute_type, recipe->weight_decay, recipe->adam_beta1, recipe->adam_beta2,
        recipe->adam_epsilon, recipe->max_grad_norm);
    for (size_t i = 0; done && i < recipe->lr_scheduler_kwargs.count; i++) {
        done = lw_string_addf(&text, error, " %s", recipe->lr_scheduler_kwargs.items[i]);
    }
    // Which examples transformers computes together decides longrope's factors.
    if (done && lw_rotary_rows(&trainer->config.rotary) > 1) {
        done = lw_string_addf(&text, error, " together %zu", trainer->together);
    }
    *hash = done ? lw_hash_bytes(text.data, text.length, 0) : 0;
    lw_string_free(&text);
    return done;
}

// Reads where the checkpoint `resumed` stands, which must be on the way that this run takes.
static bool read_state(struct lw_trainer *trainer, const char *resumed, struct lw_error *error)
{
    uint64_t recipe_hash, fingerprint = lw_dataset_fingerprint(trainer->data.dataset);
    if (!hash_recipe(trainer, &recipe_hash, error)) {
        return false;
    }
    struct lw_snapshot_state *state = &trainer->state;
    if (*resumed && !lw_snapshot_read_state(resumed, state, error)) {
        return false;
    }
    if (*resumed && (state->fingerprint != fingerprint || state->recipe != recipe_hash)) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s was written with %s; resume with those, or set overwrite_output_dir: true to begin "
            "anew",
            resumed,
            state->recipe != recipe_hash ? "other settings (schedule, batch, optimizer or type)"
                                         : "other data, order or masks");
    }
    state->fingerprint = fingerprint;
    state->recipe = recipe_hash;
    return true;
}

// Rounded up to a multiple of 64 tokens.
static uint32_t round_tokens(uint64_t tokens)
{
    return (uint32_t)((tokens + 63) / 64 * 64);
}

static bool wanted_tokens(
    const struct lw_trainer *trainer, uint32_t *tokens, struct lw_error *error)
{
    bool cpu = (lw_device_caps(trainer->params.device)->features & LW_FEATURE_CPU) != 0;
    const struct lw_budget_params params = {
        .global_batch = trainer->global_batch, .largest = cpu ? MOST_TOKENS_CPU : MOST_TOKENS_GPU};
    return lw_budget_choose(trainer->data.dataset, &params, tokens, error);
}

static struct lw_training_params training_params(
    const struct lw_trainer *trainer, uint32_t tokens, enum lw_keep keep)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    return (struct lw_training_params){.config = &trainer->config,
        .type = recipe->compute_type == LW_COMPUTE_FP32 ? LW_F32 : LW_BF16,
        .tokens = tokens,
        .keep = keep,
        .beta1 = (float)recipe->adam_beta1,
        .beta2 = (float)recipe->adam_beta2,
        .epsilon = (float)recipe->adam_epsilon,
        .weight_decay = (float)recipe->weight_decay};
}

// The fastest plan that fits: all activations kept, else smaller micro-batches, else computed again.
static bool choose_plan(const struct lw_trainer *trainer, struct lw_training_params *chosen,
    struct lw_plan *plan, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    uint32_t longest = round_tokens(lw_dataset_counts(trainer->data.dataset)->longest);
    uint64_t fixed = trainer->state.tokens_per_batch ? trainer->state.tokens_per_batch
                                                     : (uint64_t)recipe->tokens_per_batch;
    if (fixed && fixed < lw_dataset_counts(trainer->data.dataset)->longest) {
        return lw_fail(error, LW_USAGE,
            "tokens_per_batch: %llu is less than the longest example (%llu tokens); raise it or "
            "lower cutoff_len",
            (unsigned long long)fixed,
            (unsigned long long)lw_dataset_counts(trainer->data.dataset)->longest);
    }
    uint32_t wanted = (uint32_t)fixed;
    if (!fixed && !wanted_tokens(trainer, &wanted, error)) {
        return false;
    }
    static const enum lw_keep keeps[] = {LW_KEEP_ALL, LW_KEEP_INPUTS};
    for (int i = 0; i < 2; i++) {
        for (uint32_t tokens = wanted;; tokens = round_tokens(tokens / 2)) {
            tokens = !fixed && tokens < longest ? longest : tokens;
            *chosen = training_params(trainer, tokens, keeps[i]);
            if (!lw_training_plan(plan, trainer->params.device, chosen, error)) {
                return false;
            }
            if (plan->total <= plan->available) {
                return true;
            }
            if (fixed || tokens <= longest) {
                break;
            }
        }
    }
    return true; // the smallest plan; the caller sees that it does not fit
}

// transformers' count: six per token and weight outside the embedding.
static double count_flos(const struct lw_layout *layout)
{
    double weights = 0;
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i];
        bool embeds = strstr(parameter->name, "embed_tokens") != NULL;
        weights += embeds ? 0 : (double)parameter->rows * (double)parameter->columns;
    }
    return 6 * weights;
}

static bool load_model(struct lw_trainer *trainer, const char *resumed, struct lw_error *error)
{
    struct lw_training_params chosen;
    struct lw_plan plan;
    struct lw_layout *layout;
    if (!choose_plan(trainer, &chosen, &plan, error) ||
        !lw_layout_create(&layout, &trainer->config, UINT64_MAX, error)) {
        return false;
    }
    trainer->params.event(trainer->params.context, &(struct lw_event){.kind = LW_EVENT_PLAN,
                                                       .plan = &plan,
                                                       .keep = chosen.keep,
                                                       .config = &trainer->config,
                                                       .parameters = layout->parameter_elements});
    trainer->flos_per_token = count_flos(layout);
    lw_layout_destroy(layout);
    if (plan.total > plan.available) {
        return lw_fail(error, LW_NO_RESOURCE,
            "training needs %.2f GiB of device memory and %.2f GiB are free: %.2f GiB are missing; "
            "lower cutoff_len, close other programs, or use a device with more memory",
            (double)plan.total / 0x1p30, (double)plan.available / 0x1p30,
            (double)(plan.total - plan.available) / 0x1p30);
    }
    if (!lw_training_tune(trainer->params.device, &chosen, trainer->params.tune, error) ||
        !lw_training_create(
            &trainer->training, trainer->params.device, &chosen, trainer->base, error)) {
        return false;
    }
    trainer->state.tokens_per_batch = chosen.tokens;
    if (*resumed && !lw_snapshot_load(resumed, trainer->training, error)) {
        return false;
    }
    if (*resumed) {
        trainer->params.event(
            trainer->params.context, &(struct lw_event){.kind = LW_EVENT_RESUMED,
                                         .path = resumed,
                                         .entry = {.step = trainer->state.update}});
    }
    return true;
}

static bool create_batches(struct lw_trainer *trainer, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    size_t eval_batch = (size_t)recipe->per_device_eval_batch_size;
    size_t rows = trainer->global_batch > eval_batch ? trainer->global_batch : eval_batch;
    size_t most = lw_dataset_most_examples(trainer->data.dataset, rows);
    uint32_t tokens = trainer->training->params.tokens;
    trainer->views = lw_calloc(most, sizeof *trainer->views, error);
    return trainer->views && lw_pack_create(&trainer->pack, tokens, most, error) &&
           lw_batch_create(&trainer->batch, tokens, error);
}

static bool record_bad(const struct lw_trainer *trainer, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = lw_string_addf(
                    &path, error, "%s/" LW_BAD_RECORDS_FILE, trainer->params.recipe->output_dir) &&
                lw_bad_records_write(path.data, trainer->data.dataset, error);
    lw_string_free(&path);
    return done;
}

// LLaMA-Factory would download a name that is no folder.
static bool check_model(const char *model, struct lw_error *error)
{
    return lw_folder_exists(model) ||
           lw_fail(error, LW_BAD_INPUT,
               "model_name_or_path: there is no folder %s. Lewin downloads nothing: if this is a "
               "name on huggingface.co, get it by `huggingface-cli download %s --local-dir %s`",
               model, model, model);
}

// Of two tables transformers takes the one for the longest of all examples that it computes together.
static bool check_rotary(
    const struct lw_recipe *recipe, const struct lw_rotary *rotary, struct lw_error *error)
{
    bool depends = rotary->kind == LW_ROTARY_LONGROPE &&
                   recipe->cutoff_len > (int64_t)rotary->original_positions;
    return !recipe->neat_packing || !depends ||
           lw_fail(error, LW_USAGE,
               "neat_packing: this model rotates by other factors above %u tokens, and with packs "
               "which of them applies would depend on an example's neighbours; take neat_packing "
               "out, or lower cutoff_len to %u",
               rotary->original_positions, rotary->original_positions);
}

static bool check_dropout(const char *model, double dropout, struct lw_error *error)
{
    return dropout == 0 ||
           lw_fail(error, LW_BAD_INPUT,
               "%s/config.json has a dropout of %g, which Lewin does not do; set its "
               "attention_dropout, resid_pdrop and embd_pdrop to 0",
               model, dropout);
}

bool lw_trainer_create(
    struct lw_trainer **out, const struct lw_run_params *params, struct lw_error *error)
{
    *out = NULL;
    char resumed[4096] = "";
    const char *model = params->recipe->model_name_or_path;
    struct lw_trainer *trainer = lw_calloc(1, sizeof *trainer, error);
    if (!trainer) {
        return false;
    }
    trainer->params = *params;
    bool made = check_model(model, error) && lw_config_load(&trainer->config, model, error) &&
                check_dropout(model, trainer->config.dropout, error) &&
                check_rotary(params->recipe, &trainer->config.rotary, error) &&
                lw_checkpoint_open(&trainer->base, model, error) &&
                lw_output_prepare(params->recipe, resumed, sizeof resumed, &trainer->lock, error) &&
                load_data(trainer, error) && plan_updates(trainer, error) &&
                read_state(trainer, resumed, error) && load_model(trainer, resumed, error) &&
                create_batches(trainer, error) && lw_output_begin(params->recipe, error) &&
                record_bad(trainer, error) && lw_journal_open(trainer, resumed, error);
    if (!made) {
        lw_trainer_destroy(trainer);
        return false;
    }
    trainer->progress.reported = trainer->state.update;
    trainer->progress.saved = trainer->progress.resumable = trainer->state.update;
    trainer->progress.tokens = trainer->state.tokens;
    trainer->progress.window_loss = trainer->state.window_loss;
    trainer->progress.window_count = trainer->state.window_count;
    trainer->progress.total_loss = trainer->state.total_loss;
    trainer->started = lw_clock_seconds();
    *out = trainer;
    return true;
}

void lw_trainer_destroy(struct lw_trainer *trainer)
{
    if (trainer) {
        lw_metrics_close(&trainer->metrics);
        lw_history_free(&trainer->history);
        lw_batch_destroy(&trainer->batch);
        lw_pack_destroy(&trainer->pack);
        lw_free(trainer->views);
        lw_training_destroy(trainer->training);
        lw_run_data_free(&trainer->data);
        lw_checkpoint_close(trainer->base);
        lw_output_unlock(trainer->lock);
        lw_free(trainer);
    }
}

double lw_trainer_elapsed(const struct lw_trainer *trainer)
{
    return trainer->state.elapsed_seconds + lw_clock_seconds() - trainer->started;
}
