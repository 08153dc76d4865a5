// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_WEIGHTED_SUM_H
#define LW_SHADERS_WEIGHTED_SUM_H

#include "shaders/include/args.h"

#define LW_SUM_TERMS 8
#define LW_SUM_PIECE 4096 // elements of a workgroup

// Element types as the kernel's constants name them, two bits each: the values of enum lw_type.
#define LW_SUM_F32 0
#define LW_SUM_BF16 1
#define LW_SUM_F16 2

// y[i] = sum over k of weight[k] * x[k][i], for i < count, in fp32 and in the order of k.
struct lw_weighted_sum_args {
    uint64_t x[LW_SUM_TERMS];
    uint64_t y;
    uint64_t count;
    float weight[LW_SUM_TERMS];
};
LW_ARGS_SIZE(lw_weighted_sum_args, 112)

#endif
