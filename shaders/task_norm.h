// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_NORM_H
#define LW_SHADERS_TASK_NORM_H

#include "shaders/task.h"

#define LW_TASK_NORM_PIECE 16384 // elements of a workgroup

// sums[piece] = (sum of |d|, sum of |kept d|), or with SQUARES of their squares, d = x - base.
struct lw_task_norm_args {
    uint64_t x, base, mask, sums; // mask: as in task_sum.h, of this term
    uint64_t term;                // struct lw_task_term
    uint32_t count, reserved;
};
LW_ARGS_SIZE(lw_task_norm_args, 48)

#endif
