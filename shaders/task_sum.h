// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_SUM_H
#define LW_SHADERS_TASK_SUM_H

#include "shaders/task.h"

#define LW_TASK_SUM_PIECE 4096 // elements of a workgroup

// Whose signs decide, at each element, which terms take part.
#define LW_TASK_NO_CONSENSUS 0 // none: all do
#define LW_TASK_WEIGHTED 1     // the sum of the weighted differences
#define LW_TASK_UNWEIGHTED 2   // the sum of the differences

// Many terms go in turns, with planes of sums between.
#define LW_TASK_WHOLE 0  // all terms at once
#define LW_TASK_ELECT 1  // adds to the sum that decides
#define LW_TASK_GATHER 2 // adds to the sum and the divisor of those that take part
#define LW_TASK_FINISH 3 // no terms: the result

// y = base + lambda * (sum over k of the kept weight * scale * (x[k] - base)) / divisor
struct lw_task_sum_args {
    uint64_t x[LW_TASK_TERMS];
    uint64_t base, y;
    uint64_t mask;  // PLANE: fp32 [count]; BITS: words [term][words]
    uint64_t table; // struct lw_task_table
    uint64_t sums;  // fp32 [3][plane]: the sum that decides, the sum, the divisor
    uint32_t count, words, plane, first_turn; // first_turn: nothing was added to the sums yet
};
LW_ARGS_SIZE(lw_task_sum_args, 120)

#endif
