// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_FIND_H
#define LW_SHADERS_TASK_FIND_H

#include "shaders/task.h"

// *target = 1 + the index of the rank-th element, from 1, of magnitude `bits` among
// [first, first + count), count <= LW_TASK_PIECE.
struct lw_task_find_args {
    uint64_t x, base, target; // base 0: the magnitudes of x, else those of x - base
    uint32_t first, count, bits, rank;
};
LW_ARGS_SIZE(lw_task_find_args, 40)

#endif
