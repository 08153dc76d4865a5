// SPDX-License-Identifier: Apache-2.0
// The learning rate of each update and the number of updates in a run, as transformers' Trainer
// computes them. Called by the training loop.
#ifndef LW_TRAINER_SCHEDULE_H
#define LW_TRAINER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum lw_schedule_kind {
    LW_SCHEDULE_COSINE,
    LW_SCHEDULE_LINEAR,
    LW_SCHEDULE_CONSTANT,            // no warm-up
    LW_SCHEDULE_CONSTANT_WITH_WARMUP // constant after the warm-up
};

struct lw_schedule {
    enum lw_schedule_kind kind;
    double peak; // the recipe's learning_rate
    uint64_t warmup_updates, total_updates;
};

// The learning rate of update `update` (from 0), transformers' optimization.py under LambdaLR: with
// warm-up the first update uses 0, and the last never quite reaches 0.
double lw_schedule_rate(const struct lw_schedule *schedule, uint64_t update);

// warmup_steps where it is not 0, else ceil(total_updates * warmup_ratio).
uint64_t lw_schedule_warmup(uint64_t total_updates, uint64_t warmup_steps, double warmup_ratio);

// Updates in one pass over `example_count` examples, `global_batch` in each; the last may hold
// fewer. At least 1.
uint64_t lw_updates_per_epoch(uint64_t example_count, uint64_t global_batch);

// Updates in the run: max_steps where it is above 0, else ceil(epochs * updates_per_epoch).
uint64_t lw_updates_in_run(uint64_t updates_per_epoch, double epochs, int64_t max_steps);

#endif
