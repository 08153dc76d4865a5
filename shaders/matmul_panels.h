// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PANELS_H
#define LW_SHADERS_MATMUL_PANELS_H

#include "shaders/include/args.h"

// c[m, n] = product of packed operands (+ bias) (+ add), in fp32.
struct lw_matmul_panels_args {
    uint64_t rows;  // fp32 panels [row_panels][depth][TILE]
    uint64_t lanes; // fp32 panels [lane_panels][depth][LANES]
    uint64_t c, bias, add;
    uint32_t m, n, depth; // depth: padded
    uint32_t c_stride, add_stride;
    uint32_t row_panels, lane_panels;
    uint32_t block; // lane panels that are walked together, to stay in the cache
};
LW_ARGS_SIZE(lw_matmul_panels_args, 72)

#endif
