// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_NEAR_SWAP_H
#define LW_SHADERS_NEAR_SWAP_H

#include "shaders/include/args.h"

// y = w x + (1 - w) base with w = t / max(|x - base|, 10^-6), between 0 and 1.
struct lw_near_swap_args {
    uint64_t x, base, y;
    uint32_t count;
    float t;
};
LW_ARGS_SIZE(lw_near_swap_args, 32)

#endif
