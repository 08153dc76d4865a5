// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_GRAM_COLUMNS_H
#define LW_SHADERS_GRAM_COLUMNS_H

#include "shaders/include/args.h"

// products[slice][p][column] = sum over the slice's rows of the products a a, a b, b b (p = 0, 1, 2)
// of a - base and b - base; all [rows, columns] without gaps.
struct lw_gram_columns_args {
    uint64_t a, b, base, products;
    uint32_t rows, columns, slice_rows, reserved;
};
LW_ARGS_SIZE(lw_gram_columns_args, 48)

#endif
