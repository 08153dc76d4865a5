// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_SCATTER_ROWS_H
#define LW_SHADERS_SCATTER_ROWS_H

#include "shaders/include/args.h"

// x[indices[first_row + r]] = y[r] for r < rows where first_row + r < *row_count.
struct lw_scatter_rows_args {
    uint64_t y, indices, row_count, x;
    uint32_t rows, columns, x_stride, y_stride, first_row;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_scatter_rows_args, 56)

#endif
