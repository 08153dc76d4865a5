// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_FILL_RANDOM_H
#define LW_SHADERS_FILL_RANDOM_H

#include "shaders/include/args.h"

// y[i] for i < count: uniform in (-scale, scale), a function of seed and i.
struct lw_fill_random_args {
    uint64_t y, count;
    uint32_t seed;
    float scale;
};
LW_ARGS_SIZE(lw_fill_random_args, 24)

#endif
