// SPDX-License-Identifier: Apache-2.0
// trainer_log.jsonl, with the keys of LLaMA-Factory (train/callbacks.py) so that plots made for it
// keep working, and grad_norm and eval_token_loss besides. Called by the training loop.
#ifndef LW_TRAINER_METRICS_H
#define LW_TRAINER_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// A line of the log. A figure that is not finite (NaN where there is none) is left out of it.
struct lw_metrics_entry {
    uint64_t step, total_steps; // updates done, updates in the run
    double loss;                // mean over the updates since the last line; natural logarithms
    double eval_loss;       // held out: mean over batches weighted by examples, as HF reports it
    double eval_token_loss; // held out: mean over trained tokens
    double grad_norm;       // before clipping
    double rate;            // learning rate of the last update
    double epoch;           // passes over the data done, with the fraction
    double elapsed_seconds, remaining_seconds;
    double tokens_per_second;
    uint64_t total_tokens; // since the run began, padding not counted
};

struct lw_metrics;

// Opens the log at `path` for appending. `resumed_step` is the update that the run goes on from:
// lines of later ones, and a last line that a crash cut short, are taken out of the file; 0 begins
// a new log.
bool lw_metrics_open(
    struct lw_metrics **metrics, const char *path, uint64_t resumed_step, struct lw_error *error);
void lw_metrics_close(struct lw_metrics **metrics);

// Appends a line.
bool lw_metrics_add(
    struct lw_metrics *metrics, const struct lw_metrics_entry *entry, struct lw_error *error);

// "0:01:05" or "2 days, 0:01:05", as Python prints a timedelta.
void lw_metrics_duration(double seconds, char *text, size_t size);

#endif
