// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_LOW_RANK_SUM_H
#define LW_SHADERS_LOW_RANK_SUM_H

#include "shaders/include/args.h"

#define LW_LOW_RANK_ROWS 8  // of an invocation's tile
#define LW_LOW_RANK_DEPTH 4 // the rank is a multiple of it

// y[i] = x[i] + scale * (left right)[first + i] for i < count, the product of left [rows, rank] and
// right [rank, columns] being taken row by row.
struct lw_low_rank_sum_args {
    uint64_t x, y, left, right;
    uint64_t first, count;
    uint32_t rows, columns, rank;
    uint32_t row, column_tiles; // where the first tile begins, and how many lie beside each other
    float scale;
};
LW_ARGS_SIZE(lw_low_rank_sum_args, 72)

#endif
