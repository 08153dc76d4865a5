// SPDX-License-Identifier: Apache-2.0
// What a run writes down about itself: lines of trainer_log.jsonl, entries of the history, the files
// at the end. Private to run.c and loop.c.
#ifndef LW_TRAINER_JOURNAL_H
#define LW_TRAINER_JOURNAL_H

#include "trainer/run.h"

// Opens the log and takes over the history of the checkpoint `resumed` ("": a new run). There is room
// for all entries afterwards, so that no step allocates.
bool lw_journal_open(struct lw_trainer *trainer, const char *resumed, struct lw_error *error);

// The figures after the update whose report this is: its loss alone. LW_EVENT_STEP shows them.
struct lw_metrics_entry lw_journal_figures(
    const struct lw_trainer *trainer, const struct lw_step_report *report);

// A line of the log, which LW_EVENT_LOG shows, and an entry of the history.
bool lw_journal_log(
    struct lw_trainer *trainer, const struct lw_metrics_entry *figures, struct lw_error *error);

// The same for a measurement of the held-out part, which took `seconds`. Losses as lw_evaluate.
bool lw_journal_measured(struct lw_trainer *trainer, double eval_loss, double token_loss,
    double seconds, struct lw_error *error);

// The run now, for trainer_state.json. Points into the trainer.
struct lw_trainer_state lw_journal_state(const struct lw_trainer *trainer);

// At the end: the sums, trainer_state.json, *_results.json and training_loss.svg.
bool lw_journal_close(struct lw_trainer *trainer, struct lw_error *error);

#endif
