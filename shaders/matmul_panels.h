// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PANELS_H
#define LW_SHADERS_MATMUL_PANELS_H

#include "shaders/include/args.h"

// c[m, n] = product of packed operands (+ bias) (+ add), in fp32.
struct lw_matmul_panels_args {
    uint64_t rows;  // fp32 row panels [panels][depth][TILE]
    uint64_t lanes; // lane panels [groups][depth / PER][LANES][PER], or NATIVE: [n, depth] as is
    uint64_t c, bias, add;
    uint32_t m, n, depth; // depth: padded
    uint32_t lane_stride; // of NATIVE, elements
    uint32_t c_stride, add_stride;
    uint32_t panels, groups;
    uint32_t block; // groups that are walked together, to stay in the cache
};
LW_ARGS_SIZE(lw_matmul_panels_args, 80)

#endif
