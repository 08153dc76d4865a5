// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ROPE_H
#define LW_SHADERS_ROPE_H

#include "shaders/include/args.h"

// Rotates (x[i], x[i + half]) of each head of each token by position * frequency[row][i], in place.
struct lw_rope_args {
    uint64_t x, positions;
    uint64_t frequency_rows, frequency; // the row of each token; [rows, half]
    uint32_t tokens, stride;
    uint32_t heads, head_columns;
    uint32_t rotated_columns;       // of each head; half = rotated_columns / 2
    uint32_t heads_each;            // heads that one invocation rotates
    float cosine_scale, sine_scale; // the sine's carries the direction
};
LW_ARGS_SIZE(lw_rope_args, 64)

#endif
