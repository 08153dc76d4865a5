// SPDX-License-Identifier: Apache-2.0
// The record of a run. See journal.h.
#include "trainer/journal.h"

#include <math.h>

#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "trainer/chart.h"

// Entries that memory is set aside for.
#define MOST_ENTRIES ((uint64_t)1 << 20)
// transformers' interval where none is given.
#define USUAL_STEPS 500

// Entries that come every `interval` updates, and some more.
static uint64_t expected(uint64_t updates, uint64_t interval)
{
    return (interval ? updates / interval : 0) + 2;
}

bool lw_journal_open(struct lw_trainer *trainer, const char *resumed, struct lw_error *error)
{
    struct lw_string path = {0};
    uint64_t updates = trainer->course.total_updates,
             epochs = updates / trainer->course.updates_per_epoch;
    uint64_t count = expected(updates, trainer->log_interval) +
                     expected(updates, trainer->eval_interval) + 2 * epochs;
    count = count < MOST_ENTRIES ? count : MOST_ENTRIES; // a run without end gets more as it goes
    bool done =
        (!*resumed || lw_trainer_state_read(resumed, &trainer->history, error)) &&
        lw_history_reserve(&trainer->history, (size_t)count, error) &&
        lw_path_join(&path, trainer->params.recipe->output_dir, "trainer_log.jsonl", error) &&
        lw_metrics_open(&trainer->metrics, path.data, trainer->state.update, error);
    lw_string_free(&path);
    return done;
}

struct lw_metrics_entry lw_journal_figures(
    const struct lw_trainer *trainer, const struct lw_step_report *report)
{
    const struct lw_trainer_progress *progress = &trainer->progress;
    double elapsed = lw_trainer_elapsed(trainer);
    double run_seconds = elapsed - trainer->state.elapsed_seconds;
    uint64_t run_tokens = progress->tokens - trainer->state.tokens;
    uint64_t run_updates = progress->reported - trainer->state.update;
    uint64_t newest = progress->reported ? progress->reported - 1 : 0;
    uint64_t left = trainer->course.total_updates - progress->reported;
    return (struct lw_metrics_entry){.step = progress->reported,
        .total_steps = trainer->course.total_updates,
        .loss = (double)report->loss,
        .eval_loss = NAN,
        .eval_token_loss = NAN,
        .grad_norm = (double)report->grad_norm,
        .rate = lw_schedule_rate(&trainer->schedule, newest),
        .epoch = lw_course_epoch(&trainer->course, progress->reported),
        .elapsed_seconds = elapsed,
        .remaining_seconds = run_updates ? run_seconds / (double)run_updates * (double)left : 0,
        .tokens_per_second = run_seconds > 0 ? (double)run_tokens / run_seconds : 0,
        .total_tokens = progress->tokens};
}

// The figures without those of an update.
static struct lw_metrics_entry bare_figures(const struct lw_trainer *trainer)
{
    struct lw_metrics_entry figures =
        lw_journal_figures(trainer, &(struct lw_step_report){.loss = NAN, .grad_norm = NAN});
    figures.rate = NAN;
    return figures;
}

static struct lw_history_entry begin_entry(const struct lw_metrics_entry *figures)
{
    struct lw_history_entry entry = lw_history_nothing();
    entry.step = (double)figures->step;
    entry.epoch = figures->epoch;
    return entry;
}

// What `count` comes to per second, and seconds, as precisely as transformers says them.
static double per_second(double count, double seconds)
{
    return round(count / seconds * 1e3) / 1e3;
}

static double rounded_seconds(double seconds)
{
    return round(seconds * 1e4) / 1e4;
}

static bool log_line(
    struct lw_trainer *trainer, const struct lw_metrics_entry *figures, struct lw_error *error)
{
    trainer->params.event(
        trainer->params.context, &(struct lw_event){.kind = LW_EVENT_LOG, .entry = *figures});
    return lw_metrics_add(trainer->metrics, figures, error);
}

bool lw_journal_log(
    struct lw_trainer *trainer, const struct lw_metrics_entry *figures, struct lw_error *error)
{
    struct lw_history_entry entry = begin_entry(figures);
    entry.loss = figures->loss;
    entry.grad_norm = figures->grad_norm;
    entry.learning_rate = figures->rate;
    return lw_history_add(&trainer->history, &entry, error) && log_line(trainer, figures, error);
}

bool lw_journal_measured(struct lw_trainer *trainer, double eval_loss, double token_loss,
    double seconds, struct lw_error *error)
{
    struct lw_metrics_entry figures = bare_figures(trainer);
    struct lw_history_entry entry = begin_entry(&figures);
    double examples = (double)lw_dataset_held_out_count(trainer->data.dataset);
    double batch = (double)trainer->params.recipe->per_device_eval_batch_size;
    figures.eval_loss = entry.eval_loss = eval_loss;
    figures.eval_token_loss = entry.eval_token_loss = token_loss;
    entry.eval_runtime = rounded_seconds(seconds);
    entry.eval_samples_per_second = per_second(examples, seconds);
    entry.eval_steps_per_second = per_second(ceil(examples / batch), seconds);
    return lw_history_add(&trainer->history, &entry, error) && log_line(trainer, &figures, error);
}

struct lw_trainer_state lw_journal_state(const struct lw_trainer *trainer)
{
    const struct lw_course *course = &trainer->course;
    uint64_t updates = course->total_updates, per_epoch = course->updates_per_epoch;
    return (struct lw_trainer_state){.global_step = trainer->progress.reported,
        .max_steps = updates,
        .saved_step = trainer->progress.saved,
        .logging_steps = trainer->log_interval,
        .eval_steps = trainer->eval_interval ? trainer->eval_interval : USUAL_STEPS,
        .save_steps = trainer->save_interval ? trainer->save_interval : USUAL_STEPS,
        .num_train_epochs = updates / per_epoch + (updates % per_epoch != 0),
        .num_input_tokens_seen = trainer->progress.tokens,
        .train_batch_size = trainer->global_batch / course->accumulation,
        .epoch = lw_course_epoch(course, trainer->progress.reported),
        .total_flos = trainer->flos_per_token * (double)trainer->progress.tokens,
        .history = &trainer->history};
}

// The sums of the whole run, parts before a resumption included.
static struct lw_history_entry sums_of(
    const struct lw_trainer *trainer, const struct lw_metrics_entry *figures)
{
    const struct lw_recipe *recipe = trainer->params.recipe;
    struct lw_history_entry entry = begin_entry(figures);
    double updates = (double)trainer->course.total_updates, seconds = figures->elapsed_seconds;
    double examples =
        recipe->max_steps > 0
            ? updates * (double)trainer->global_batch
            : recipe->num_train_epochs * (double)lw_dataset_train_count(trainer->data.dataset);
    entry.train_loss = trainer->progress.total_loss / updates;
    entry.train_runtime = rounded_seconds(seconds);
    entry.train_samples_per_second = per_second(examples, seconds);
    entry.train_steps_per_second = per_second(updates, seconds);
    entry.total_flos = trainer->flos_per_token * (double)trainer->progress.tokens;
    return entry;
}

// The newest measurement, or NULL.
static const struct lw_history_entry *newest_measurement(const struct lw_history *history)
{
    for (size_t i = history->count; i-- > 0;) {
        if (isfinite(history->entries[i].eval_loss)) {
            return &history->entries[i];
        }
    }
    return NULL;
}

static bool draw(const struct lw_trainer *trainer, struct lw_error *error)
{
    struct lw_string path = {0};
    const struct lw_history *history = &trainer->history;
    bool done =
        lw_path_join(&path, trainer->params.recipe->output_dir, "training_loss.svg", error) &&
        lw_chart_write(path.data, "Training loss", history->entries, history->count, error);
    lw_string_free(&path);
    return done;
}

bool lw_journal_close(struct lw_trainer *trainer, struct lw_error *error)
{
    const char *output = trainer->params.recipe->output_dir;
    struct lw_metrics_entry figures = bare_figures(trainer);
    struct lw_history_entry sums = sums_of(trainer, &figures);
    if (!lw_metrics_add(trainer->metrics, &figures, error) ||
        !lw_history_add(&trainer->history, &sums, error)) {
        return false;
    }
    struct lw_trainer_state state = lw_journal_state(trainer);
    return lw_trainer_state_write(&state, output, error) &&
           lw_results_write(output, &sums, newest_measurement(&trainer->history), error) &&
           draw(trainer, error);
}
