// SPDX-License-Identifier: Apache-2.0
// Draws a training run's events: one line that renews itself on a terminal, plain lines elsewhere.
#ifndef LW_CLI_TRAIN_PROGRESS_H
#define LW_CLI_TRAIN_PROGRESS_H

#include "cli/progress_line.h"
#include "cli/store_progress.h"
#include "trainer/loop.h"

// Zero-initialise but for the lines' streams, which are stdout.
struct lw_train_progress {
    struct lw_progress_line line;
    struct lw_store_progress store; // its line's stream is stdout too
    uint64_t bad_records;
};

// For lw_run_params; `context` is a struct lw_train_progress.
void lw_train_progress_event(void *context, const struct lw_event *event);

// Ends the renewing line, so that other text can follow.
void lw_train_progress_end(struct lw_train_progress *progress);

#endif
