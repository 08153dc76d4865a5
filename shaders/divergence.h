// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_DIVERGENCE_H
#define LW_SHADERS_DIVERGENCE_H

#include "shaders/include/args.h"

// importance[r][c] = |x - base| times the Kullback-Leibler divergence of the softmax of row r of
// `base` from that of x, each probability taken 10^-8 larger.
struct lw_divergence_args {
    uint64_t x, base, importance; // [rows, columns] without gaps; importance fp32
    uint32_t rows, columns;
};
LW_ARGS_SIZE(lw_divergence_args, 32)

#endif
