// SPDX-License-Identifier: Apache-2.0
// How many updates a run has, what part of the data each has passed, and after which of them
// something is due, as transformers' Trainer counts. Called by the training loop.
#ifndef LW_TRAINER_COURSE_H
#define LW_TRAINER_COURSE_H

#include <stdbool.h>
#include <stdint.h>

// An update is over `accumulation` batches of `batch` examples; the last of an epoch may have fewer.
struct lw_course {
    uint64_t batches_per_epoch, accumulation;
    uint64_t updates_per_epoch, total_updates; // at least 1 each
};

// Over `examples`, all at least 1. `max_steps` above 0 stands instead of `epochs`.
struct lw_course lw_course_of(
    uint64_t examples, uint64_t batch, uint64_t accumulation, double epochs, int64_t max_steps);

// Passes over the data done after `update` updates, by batches: 1.5 is in the midst of the second.
double lw_course_epoch(const struct lw_course *course, uint64_t update);

enum lw_strategy {
    LW_STRATEGY_NO,
    LW_STRATEGY_STEPS,
    LW_STRATEGY_EPOCH,
    LW_STRATEGY_AUTO // as STEPS; the caller adds the end of the run
};

// A recipe's logging_steps and the like in updates: below 1 it is a share of the run, rounded up.
uint64_t lw_course_interval(const struct lw_course *course, double steps);

// Whether something falls on `update` (from 1): every `interval` updates (0: never), or with each
// epoch's last update and the run's.
bool lw_course_due(
    const struct lw_course *course, enum lw_strategy strategy, uint64_t interval, uint64_t update);

#endif
