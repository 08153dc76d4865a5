// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_SUM_ROWS_H
#define LW_SHADERS_SUM_ROWS_H

#include "shaders/include/args.h"

// sums[slice, column] = sum over the slice's rows of x[row, column], in fp32; with `add` the old
// value is added.
struct lw_sum_rows_args {
    uint64_t x, sums;
    uint32_t rows, columns, stride;
    uint32_t slice_rows;
    uint32_t add;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_sum_rows_args, 40)

#endif
