// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PANELS_H
#define LW_SHADERS_MATMUL_PANELS_H

#include "shaders/include/args.h"

// c[m, n] = product of two fp32 operands in panels (+ bias) (+ add). Element `i` of a panel at depth k
// lies k * stride + i elements behind its begin, and the next panel begins a step further on.
struct lw_matmul_panels_args {
    uint64_t rows;  // panels of TILE rows
    uint64_t lanes; // panels of LANES columns
    uint64_t c, bias, add;
    uint32_t row_stride, row_step;
    uint32_t lane_stride, lane_step;
    uint32_t m, n, depth; // depth: a multiple of STEP
    uint32_t c_stride, add_stride;
    uint32_t row_panels, lane_panels;
    uint32_t block; // lane panels that are walked together, to stay in the cache
};
LW_ARGS_SIZE(lw_matmul_panels_args, 88)

#endif
