// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MULTIPLY_ADD_H
#define LW_SHADERS_MULTIPLY_ADD_H

#include "shaders/include/args.h"

#define LW_MULTIPLY_ADD_CHAINS 12 // independent sums of an invocation, enough to hide the latency
#define LW_MULTIPLY_ADD_UNROLL 16 // multiply-adds of a chain in one round

// y[i] = the sum of the chains of invocation i < count. Chain c begins at c + i % 16, and each of
// rounds * LW_MULTIPLY_ADD_UNROLL times becomes itself * factor + addend.
struct lw_multiply_add_args {
    uint64_t y;
    uint32_t count, rounds;
    float factor, addend;
};
LW_ARGS_SIZE(lw_multiply_add_args, 24)

#endif
