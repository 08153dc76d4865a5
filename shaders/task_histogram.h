// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_TASK_HISTOGRAM_H
#define LW_SHADERS_TASK_HISTOGRAM_H

#include "shaders/task.h"

#define LW_TASK_BINS 65536

// bins[(m - low) >> shift] += 1 for each magnitude m, as bits, in [low, low + width).
struct lw_task_histogram_args {
    uint64_t x, base, bins; // base 0: the magnitudes of x, else those of x - base
    uint32_t count, low, width, shift;
};
LW_ARGS_SIZE(lw_task_histogram_args, 40)

#endif
