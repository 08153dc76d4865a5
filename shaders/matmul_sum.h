// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_SUM_H
#define LW_SHADERS_MATMUL_SUM_H

#include "shaders/include/args.h"

struct lw_matmul_sum_args {
    uint64_t parts; // fp32 [slices, m, part_stride], part_stride a multiple of 4
    uint64_t c, bias, add;
    uint32_t m, n, slices, part_stride, c_stride, add_stride;
};
LW_ARGS_SIZE(lw_matmul_sum_args, 56)

#endif
