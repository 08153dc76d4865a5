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
        fprintf(stderr, "more bad records follow; `lewin data check` lists all\n");
    }
}

static void print_data(const struct lw_event *event)
{
    const struct lw_dataset_counts *counts = event->counts;
    printf("data      %zu examples to train on, %zu held out; %" PRIu64 " tokens, %" PRIu64
           " of them trained on (%.0f %%), the longest example has %" PRIu64 "\n",
        event->train_count, event->held_out_count, counts->tokens, counts->labels,
        100.0 * (double)counts->labels / (double)(counts->tokens ? counts->tokens : 1),
        counts->longest);
    if (counts->truncated) {
        printf("          %" PRIu64 " examples were cut at cutoff_len, %" PRIu64
               " of them lost a stop token\n",
            counts->truncated, counts->stop_cut);
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

static void print_figures(const struct lw_metrics_entry *entry)
{
    char left[48];
    lw_metrics_duration(entry->remaining_seconds, left, sizeof left);
    printf(
        "step %" PRIu64 "/%" PRIu64 "  epoch %.2f", entry->step, entry->total_steps, entry->epoch);
    if (!isnan(entry->loss)) {
        printf("  loss %.4f  lr %.3g  grad_norm %.3f", entry->loss, entry->rate, entry->grad_norm);
    }
    if (!isnan(entry->eval_loss)) {
        printf("  eval_loss %.4f (per token %.4f)", entry->eval_loss, entry->eval_token_loss);
    }
    printf("  %.0f tokens/s  %s left", entry->tokens_per_second, left);
}

void lw_train_progress_end(struct lw_train_progress *progress)
{
    if (progress->open) {
        printf("\n");
        progress->open = false;
    }
    fflush(stdout);
}

static void print_step(struct lw_train_progress *progress, const struct lw_metrics_entry *entry)
{
    if (progress->terminal) {
        printf("\r\033[K");
        print_figures(entry);
        progress->open = true;
    }
}

static void print_log(struct lw_train_progress *progress, const struct lw_metrics_entry *entry)
{
    if (progress->terminal && isnan(entry->eval_loss)) {
        print_step(progress, entry);
        return;
    }
    if (progress->open) {
        printf("\r\033[K"); // the line makes room
        progress->open = false;
    }
    print_figures(entry);
    printf("\n");
}

void lw_train_progress_event(void *context, const struct lw_event *event)
{
    struct lw_train_progress *progress = context;
    switch (event->kind) {
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
        print_step(progress, &event->entry);
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
