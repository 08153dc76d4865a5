// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_FEW_H
#define LW_SHADERS_MATMUL_FEW_H

#include "shaders/include/args.h"

// c[m, n] = a b^T (+ bias) (+ add) with a [m, k] of few rows and b [n, k].
struct lw_matmul_few_args {
    uint64_t a, b, c, bias, add;
    uint32_t n, k;
    uint32_t a_stride, b_stride, c_stride, add_stride; // elements
};
LW_ARGS_SIZE(lw_matmul_few_args, 64)

#endif
