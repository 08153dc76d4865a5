// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_GATHER_ROWS_H
#define LW_SHADERS_GATHER_ROWS_H

#include "shaders/include/args.h"

// y[r] = x[indices[first_row + r]] for r < rows where first_row + r < *row_count, else zeroes.
// With all_rows every row has an index, and row_count is any valid address.
struct lw_gather_rows_args {
    uint64_t x, indices, row_count, y;
    uint32_t rows, columns, x_stride, y_stride, first_row;
    uint32_t all_rows;
};
LW_ARGS_SIZE(lw_gather_rows_args, 56)

#endif
