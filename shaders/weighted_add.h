// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_WEIGHTED_ADD_H
#define LW_SHADERS_WEIGHTED_ADD_H

#include "shaders/include/args.h"

// sum[i] = (first ? 0 : sum[i]) + weight * x[i], for i < count; sum fp32.
struct lw_weighted_add_args {
    uint64_t x, sum;
    uint64_t count;
    float weight;
    uint32_t first;
};
LW_ARGS_SIZE(lw_weighted_add_args, 32)

#endif
