// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_SQUARED_NORM_H
#define LW_SHADERS_SQUARED_NORM_H

#include "shaders/include/args.h"

// Elements of one piece.
#define LW_NORM_PIECE 16384

// partial[p] = sum of the squares of values[p * LW_NORM_PIECE ...], for each piece of count values.
struct lw_squared_norm_args {
    uint64_t values, partial, count;
};
LW_ARGS_SIZE(lw_squared_norm_args, 24)

#endif
