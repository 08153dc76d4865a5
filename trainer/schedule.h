// SPDX-License-Identifier: Apache-2.0
// The learning rate of each update, as transformers' get_scheduler under LambdaLR gives it
// (optimization.py). Called by the training loop; the recipe makes a schedule of its keys.
#ifndef LW_TRAINER_SCHEDULE_H
#define LW_TRAINER_SCHEDULE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/options.h"

// In the order of lw_schedule_names.
enum lw_schedule_kind {
    LW_SCHEDULE_LINEAR,
    LW_SCHEDULE_COSINE,
    LW_SCHEDULE_COSINE_WITH_RESTARTS,
    LW_SCHEDULE_POLYNOMIAL,
    LW_SCHEDULE_CONSTANT, // no warm-up
    LW_SCHEDULE_CONSTANT_WITH_WARMUP,
    LW_SCHEDULE_INVERSE_SQRT,
    LW_SCHEDULE_COSINE_WITH_MIN_LR,
    LW_SCHEDULE_COSINE_WARMUP_WITH_MIN_LR,
    LW_SCHEDULE_WARMUP_STABLE_DECAY
};
extern const char *const lw_schedule_names[]; // of lr_scheduler_type; ends at NULL

enum lw_schedule_shape { LW_SHAPE_LINEAR, LW_SHAPE_COSINE, LW_SHAPE_ONE_MINUS_SQRT };

// lr_scheduler_kwargs, by transformers' names. -1: not given.
struct lw_schedule_kwargs {
    double num_cycles;           // 0.5 for a fall, 1 for restarts
    double lr_end, power;        // polynomial
    double timescale;            // inverse_sqrt; not given: the warm-up, or 10000
    double min_lr, min_lr_rate;  // learning rates, or shares of the peak: one of the two
    double warmup_lr_rate;       // share of the peak that the warm-up begins at
    double num_stable_steps;     // not given: a third of what follows the warm-up
    double num_decay_steps;      // not given: the rest (both as LLaMA-Factory)
    double min_lr_ratio;         // warmup_stable_decay: share of the peak
    int warmup_type, decay_type; // enum lw_schedule_shape
};

struct lw_schedule {
    enum lw_schedule_kind kind;
    double peak; // the recipe's learning_rate
    uint64_t warmup_updates, total_updates;
    struct lw_schedule_kwargs kwargs;
};

// The learning rate of update `update` (from 0): with warm-up the first update uses 0, and the last
// never quite reaches the end.
double lw_schedule_rate(const struct lw_schedule *schedule, uint64_t update);

// Reads `items`, "name: value" each, over the defaults. LW_USAGE for a name that this kind of
// schedule has not, a wrong value, and where min_lr or min_lr_rate is missing.
bool lw_schedule_kwargs_read(struct lw_schedule_kwargs *kwargs, enum lw_schedule_kind kind,
    const struct lw_option_list *items, struct lw_error *error);

// `warmup_steps` from 1 up, without its fraction; between 0 and 1 a share of the updates, rounded
// up; at 0 the share `warmup_ratio`.
uint64_t lw_schedule_warmup(uint64_t total_updates, double warmup_steps, double warmup_ratio);

#endif
