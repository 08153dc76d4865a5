// SPDX-License-Identifier: Apache-2.0
// A training run on the screen. See train_progress.h.
#include "cli/train_progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "engine/base/terminal.h"

// Bad records shown one by one; the rest is only counted.
#define SHOWN_BAD_RECORDS 20

static void print_bad_record(struct lw_train_progress *progress, const struct lw_bad_record *record)
{
    progress->bad_records++;
    if (progress->bad_records <= SHOWN_BAD_RECORDS) {
        fprintf(stderr, "%s:%" PRIu64 ": %s\n", record->file, record->line, record->reason);
    } else if (progress->bad_records == SHOWN_BAD_RECORDS + 1) {
        fprintf(stderr, "more bad records follow; bad_records.jsonl in output_dir lists all\n");
    }
}

// What each of several data sets gives.
static void print_shares(const struct lw_dataset *dataset)
{
    struct lw_dataset_share share;
    uint64_t all = 0;
    size_t count = 0;
    for (; lw_dataset_share(dataset, count, &share); count++) {
        all += share.examples;
    }
    for (size_t i = 0; count > 1 && lw_dataset_share(dataset, i, &share); i++) {
        printf("          %5.1f %%  %s: %" PRIu64 " examples of %" PRIu64 " rows\n",
            100.0 * (double)share.examples / (double)all, share.name, share.examples, share.rows);
    }
}

static void print_data(const struct lw_event *event)
{
    const struct lw_dataset_counts *counts = event->counts;
    printf("data      %zu %s to train on, %zu held out; %" PRIu64 " tokens, %" PRIu64
           " of them trained on (%.0f %%), the longest example has %" PRIu64 "\n",
        event->train_count, event->packed ? "packs" : "examples", event->held_out_count,
        counts->tokens, counts->labels,
        100.0 * (double)counts->labels / (double)(counts->tokens ? counts->tokens : 1),
        counts->longest);
    print_shares(event->dataset);
    if (counts->truncated) {
        printf("          %" PRIu64 " examples were %s, %" PRIu64 " of them lost a stop token\n",
            counts->truncated,
            event->keep_ends ? "shortened to cutoff_len (on_long_record: safe keeps headers)"
                             : "cut at cutoff_len",
            counts->stop_cut);
    }
    if (counts->bad || counts->dropped || counts->untrained) {
        printf("          %" PRIu64 " bad records and %" PRIu64 " too long ones left out, %" PRIu64
               " examples have nothing to train on\n",
            counts->bad, counts->dropped, counts->untrained);
    }
}

static void print_bytes(const char *name, uint64_t bytes)
{
    const double gib = 1 << 30, mib = 1 << 20;
    if ((double)bytes >= gib) {
        printf("  %-24s %10.2f GiB\n", name, (double)bytes / gib);
    } else {
        printf("  %-24s %10.2f MiB\n", name, (double)bytes / mib);
    }
}

static void print_plan(const struct lw_event *event)
{
    const struct lw_plan *plan = event->plan;
    printf("model     %.1f million parameters, %s\n", (double)event->parameters / 1e6,
        event->keep == LW_KEEP_ALL ? "activations kept"
                                   : "activations computed again in the backward pass");
    printf("memory\n");
    for (size_t i = 0; i < plan->row_count; i++) {
        print_bytes(plan->rows[i].name, plan->rows[i].bytes);
    }
    print_bytes("total", plan->total);
    print_bytes("free on the device", plan->available);
    printf("  it %s\n", plan->total <= plan->available ? "fits" : "does not fit");
}

// Words between the figures: spelled out, or as short as a terminal of 80 columns wants them.
static const struct words {
    const char *gap, *epoch, *norm, *speed, *left;
} spelled = {"  ", "epoch", "grad_norm", "tokens/s", " left"},
  shortened = {" ", "ep", "norm", "tok/s", ""};

// Puts the figures of `entry` into `text` of `size` bytes.
static void format_figures(
    const struct words *words, const struct lw_metrics_entry *entry, char *text, size_t size)
{
    char left[48], losses[128] = "", held_out[128] = "";
    lw_metrics_duration(entry->remaining_seconds, left, sizeof left);
    if (!isnan(entry->loss)) {
        snprintf(losses, sizeof losses, "%sloss %.4f%slr %.3g%s%s %.3f", words->gap, entry->loss,
            words->gap, entry->rate, words->gap, words->norm, entry->grad_norm);
    }
    if (!isnan(entry->eval_loss)) {
        snprintf(held_out, sizeof held_out, "%seval_loss %.4f (per token %.4f)", words->gap,
            entry->eval_loss, entry->eval_token_loss);
    }
    snprintf(text, size, "step %" PRIu64 "/%" PRIu64 "%s%s %.2f%s%s%s%.0f %s%s%s%s", entry->step,
        entry->total_steps, words->gap, words->epoch, entry->epoch, losses, held_out, words->gap,
        entry->tokens_per_second, words->speed, words->gap, left, words->left);
}

void lw_train_progress_end(struct lw_train_progress *progress)
{
    if (progress->line.shown) {
        printf("\n");
        progress->line.shown = false;
    }
    fflush(stdout);
}

// The renewing line, where there is a terminal.
static void draw_step(struct lw_train_progress *progress, const struct lw_metrics_entry *entry)
{
    bool wide = lw_terminal_columns(stdout) > 110;
    char text[512];
    format_figures(wide ? &spelled : &shortened, entry, text, sizeof text);
    lw_progress_draw(&progress->line, "%s", text);
}

// A line of the log is a line on the screen; on a terminal only what was measured stays.
static void print_log(struct lw_train_progress *progress, const struct lw_metrics_entry *entry)
{
    if (lw_terminal_is(stdout) && isnan(entry->eval_loss)) {
        draw_step(progress, entry);
        return;
    }
    char text[512];
    format_figures(&spelled, entry, text, sizeof text);
    lw_train_progress_end(progress);
    printf("%s\n", text);
}

void lw_train_progress_event(void *context, const struct lw_event *event)
{
    struct lw_train_progress *progress = context;
    switch (event->kind) {
    case LW_EVENT_STORE:
        lw_store_progress_show(&progress->store, event->store);
        break;
    case LW_EVENT_BAD_RECORD:
        print_bad_record(progress, event->record);
        break;
    case LW_EVENT_DATA:
        print_data(event);
        break;
    case LW_EVENT_PLAN:
        print_plan(event);
        break;
    case LW_EVENT_RESUMED:
        printf("resuming from %s after step %" PRIu64 "\n", event->path, event->entry.step);
        break;
    case LW_EVENT_STEP:
        if (lw_progress_due(&progress->line)) {
            draw_step(progress, &event->entry);
        }
        break;
    case LW_EVENT_LOG:
        print_log(progress, &event->entry);
        break;
    case LW_EVENT_SAVED:
        lw_train_progress_end(progress);
        printf("saved %s\n", event->path);
        break;
    }
    fflush(stdout);
}
