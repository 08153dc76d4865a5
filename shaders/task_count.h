// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_COUNT_H
#define LW_SHADERS_TASK_COUNT_H

#include "shaders/task.h"

#define LW_TASK_PIECE 16384 // elements of a workgroup
#define LW_TASK_PIVOTS 8

// counts[piece][j] = how many elements of the piece have magnitudes of at least pivots[j], as bits.
struct lw_task_count_args {
    uint64_t x, base, counts; // base 0: the magnitudes of x, else those of x - base
    uint32_t count, reserved;
    uint32_t pivots[LW_TASK_PIVOTS];
};
LW_ARGS_SIZE(lw_task_count_args, 64)

#endif
