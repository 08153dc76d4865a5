// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_RANDOM_H
#define LW_SHADERS_TASK_RANDOM_H

#include "shaders/task.h"

// Bit b of word w is set where random word i % 4 of Philox with the key `seed` and the counter
// (i / 4, stream), i = first + 32 w + b, is below `threshold`. `first` is a multiple of 4.
struct lw_task_random_args {
    uint64_t words, first, seed, stream;
    uint32_t count, threshold; // count: words
};
LW_ARGS_SIZE(lw_task_random_args, 40)

#endif
