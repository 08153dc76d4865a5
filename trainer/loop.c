// SPDX-License-Identifier: Apache-2.0
// Update after update: pack, submit, and read the figures of the update before while the device
// computes. run.c sets a run up. See loop.h.
#include "trainer/loop.h"

#include "engine/base/clock.h"
#include "engine/gpu/usage.h"
#include "trainer/evaluate.h"
#include "trainer/export.h"
#include "trainer/journal.h"
#include "trainer/run.h"

static void send(const struct lw_trainer *trainer, const struct lw_event *event)
{
    trainer->params.event(trainer->params.context, event);
}

// Waits for update `reported + 1` and accounts for it.
static bool report_update(struct lw_trainer *trainer, struct lw_error *error)
{
    struct lw_trainer_progress *progress = &trainer->progress;
    const struct lw_recipe *recipe = trainer->params.recipe;
    uint64_t update = progress->reported + 1;
    struct lw_step_report report;
    if (!lw_optimizer_report(
            trainer->training->optimizer, update, progress->tickets[update % 2], &report, error)) {
        return false;
    }
    progress->reported = update;
    progress->tokens += progress->step_tokens[update % 2];
    progress->window_loss += (double)report.loss;
    progress->total_loss += (double)report.loss;
    progress->window_count++;
    struct lw_metrics_entry entry = lw_journal_figures(trainer, &report);
    send(trainer, &(struct lw_event){.kind = LW_EVENT_STEP, .entry = entry});
    bool due = lw_course_due(&trainer->course, (enum lw_strategy)recipe->logging_strategy,
                   trainer->log_interval, update) ||
               (recipe->logging_first_step && update == 1) ||
               update == trainer->course.total_updates;
    if (!due) {
        return true;
    }
    entry.loss = progress->window_loss / (double)progress->window_count;
    progress->window_loss = 0;
    progress->window_count = 0;
    return lw_journal_log(trainer, &entry, error);
}

// Packs and submits update number `update` (from 1).
static bool submit_update(struct lw_trainer *trainer, uint64_t update, struct lw_error *error)
{
    struct lw_trainer_progress *progress = &trainer->progress;
    uint64_t epoch = (update - 1) / trainer->course.updates_per_epoch;
    uint64_t step = (update - 1) % trainer->course.updates_per_epoch;
    size_t count =
        lw_dataset_step(trainer->data.dataset, epoch, step, trainer->global_batch, trainer->views);
    size_t batches = lw_pack_step(trainer->pack, trainer->views, count);
    lw_pack_rotate(trainer->pack, &trainer->config.rotary, trainer->together);
    struct lw_pack_totals totals = lw_pack_totals(trainer->pack);
    // A step without a label teaches nothing; its gradients are zero.
    float scale = totals.labels ? 1 / (float)totals.labels : 0;
    for (size_t i = 0; i < batches; i++) {
        lw_pack_fill(trainer->pack, i, trainer->batch);
        if (!lw_decoder_submit(trainer->training->decoder, trainer->batch, scale, true, error)) {
            return false;
        }
    }
    progress->step_tokens[update % 2] = totals.tokens;
    return lw_optimizer_submit(trainer->training->optimizer, update,
        lw_schedule_rate(&trainer->schedule, update - 1),
        (float)trainer->params.recipe->max_grad_norm, &progress->tickets[update % 2], error);
}

// Without `resumable`, the model alone.
static bool save(struct lw_trainer *trainer, bool resumable, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    const struct lw_trainer_progress *progress = &trainer->progress;
    char path[4096];
    lw_snapshot_path(path, sizeof path, recipe->output_dir, progress->reported);
    struct lw_snapshot_state state = trainer->state;
    state.update = progress->reported;
    state.tokens = progress->tokens;
    state.elapsed_seconds = lw_trainer_elapsed(trainer);
    state.window_loss = progress->window_loss;
    state.window_count = progress->window_count;
    state.total_loss = progress->total_loss;
    trainer->progress.saved = progress->reported;
    struct lw_trainer_state report = lw_journal_state(trainer);
    if (!lw_snapshot_save(
            path, trainer->training, trainer->base, resumable ? &state : NULL, &report, error) ||
        (recipe->save_total_limit > 0 &&
            !lw_snapshot_prune(recipe->output_dir, (uint64_t)recipe->save_total_limit, error))) {
        return false;
    }
    if (resumable) {
        trainer->progress.resumable = progress->reported;
    }
    send(trainer, &(struct lw_event){.kind = LW_EVENT_SAVED, .path = path});
    return true;
}

static bool evaluate(struct lw_trainer *trainer, struct lw_error *error)
{
    double began = lw_clock_seconds(), eval_loss, token_loss;
    const struct lw_evaluation evaluation = {.dataset = trainer->data.dataset,
        .decoder = trainer->training->decoder,
        .together = (size_t)trainer->params.recipe->per_device_eval_batch_size,
        .pack = trainer->pack,
        .batch = trainer->batch,
        .views = trainer->views};
    return lw_evaluate(&evaluation, &eval_loss, &token_loss, error) &&
           lw_journal_measured(trainer, eval_loss, token_loss, lw_clock_seconds() - began, error);
}

// Whether the held-out part is measured after `update`. With steps also at the end, as in
// transformers, and with do_eval, as in LLaMA-Factory.
static bool evaluation_due(const struct lw_trainer *trainer, uint64_t update)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    enum lw_strategy strategy = (enum lw_strategy)recipe->eval_strategy;
    bool last = update == trainer->course.total_updates;
    double passed =
        strategy == LW_STRATEGY_EPOCH ? lw_course_epoch(&trainer->course, update) : (double)update;
    bool due = lw_course_due(&trainer->course, strategy, trainer->eval_interval, update) ||
               (last && strategy != LW_STRATEGY_NO);
    return lw_dataset_held_out_count(trainer->data.dataset) &&
           ((due && recipe->eval_delay <= passed) || (last && recipe->do_eval));
}

// One update, and what is due after it.
static bool advance(struct lw_trainer *trainer, uint64_t update, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    bool last = update == trainer->course.total_updates;
    bool stop = trainer->params.stopping();
    bool saves = lw_course_due(&trainer->course, (enum lw_strategy)recipe->save_strategy,
                     trainer->save_interval, update) ||
                 (stop && !last);
    bool evaluates = evaluation_due(trainer, update);
    if (!submit_update(trainer, update, error)) {
        return false;
    }
    // The host stays one update ahead, except where the weights or figures are wanted now.
    uint64_t wanted = last || saves || evaluates ? update : update - 1;
    while (trainer->progress.reported < wanted) {
        if (!report_update(trainer, error)) {
            return false;
        }
    }
    if (evaluates || saves) {
        lw_device_usage_end(trainer->params.device);
        if ((evaluates && !evaluate(trainer, error)) ||
            (saves && !save(trainer, stop || !recipe->save_only_model, error))) {
            return false;
        }
        lw_device_usage_begin(trainer->params.device);
    }
    if (stop && !last) {
        return lw_fail(error, LW_INTERRUPTED,
            "stopped after step %llu of %llu; the same command goes on from there",
            (unsigned long long)update, (unsigned long long)trainer->course.total_updates);
    }
    return true;
}

static bool finish(struct lw_trainer *trainer, struct lw_error *error)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    // The model goes last: a folder that holds one is finished.
    if (!lw_journal_close(trainer, error) ||
        !lw_export(recipe->output_dir, trainer->training, trainer->base, error)) {
        return false;
    }
    send(trainer, &(struct lw_event){.kind = LW_EVENT_SAVED, .path = recipe->output_dir});
    return true;
}

// Says after a failure what is left of the run.
static void advise(const struct lw_trainer *trainer, struct lw_error *error)
{
    if (error->status != LW_FAILED) {
        return;
    }
    uint64_t update = trainer->progress.resumable;
    if (!update) {
        lw_fail_advice(error, "No checkpoint was written yet: the same command begins anew");
        return;
    }
    char path[4096];
    lw_snapshot_path(path, sizeof path, trainer->params.recipe->output_dir, update);
    lw_fail_advice(error, "%s is intact: the same command goes on from there", path);
}

bool lw_run(const struct lw_run_params *params, struct lw_error *error)
{
    struct lw_trainer *trainer;
    if (!lw_trainer_create(&trainer, params, error)) {
        return false;
    }
    bool begins = params->recipe->eval_on_start && trainer->state.update == 0;
    bool done =
        !begins || !lw_dataset_held_out_count(trainer->data.dataset) || evaluate(trainer, error);
    lw_device_usage_begin(params->device);
    for (uint64_t update = trainer->state.update + 1;
         done && update <= trainer->course.total_updates; update++) {
        done = advance(trainer, update, error);
    }
    lw_device_usage_end(params->device);
    done = done && finish(trainer, error);
    if (!done) {
        advise(trainer, error);
    }
    lw_trainer_destroy(trainer);
    return done;
}
