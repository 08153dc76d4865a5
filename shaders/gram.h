// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_GRAM_H
#define LW_SHADERS_GRAM_H

#include "shaders/include/args.h"

#define LW_GRAM_SIDE 4 // arrays of a dispatch on either side

// products[piece][i][j] = sum over the piece's elements of (a[i] - base) (b[j] - base), for pieces of
// `piece` neighbours; only j >= i where both sides are the same arrays.
struct lw_gram_args {
    uint64_t a[LW_GRAM_SIDE], b[LW_GRAM_SIDE];
    uint64_t base, products;
    uint64_t count;
    uint32_t piece, reserved;
};
LW_ARGS_SIZE(lw_gram_args, 96)

#endif
