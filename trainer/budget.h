// SPDX-License-Identifier: Apache-2.0
// How many tokens a micro-batch should have room for. The device computes the whole room, filled or
// not, so the best size depends on how the data's lengths pack. Changes speed and memory, never the
// result. Called before the memory plan is made.
#ifndef LW_TRAINER_BUDGET_H
#define LW_TRAINER_BUDGET_H

#include "trainer/data/dataset.h"

struct lw_budget_params {
    size_t global_batch;
    uint32_t multiple;   // the budget is one of its multiples; 0: 64
    uint32_t largest;    // no larger than this, unless the longest example is
    uint32_t fixed_cost; // of a micro-batch, in tokens that could be computed instead; 0: 128
};

// The budget at which the first steps of the run (up to 64) compute the fewest tokens, the smallest
// of equals. It holds the longest example. A function of the data alone.
bool lw_budget_choose(struct lw_dataset *dataset, const struct lw_budget_params *params,
    uint32_t *budget, struct lw_error *error);

#endif
