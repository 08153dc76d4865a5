// SPDX-License-Identifier: Apache-2.0
// A loop of multiply-adds in registers, for measuring what the device's vector units reach.
#ifndef LW_OPS_MULTIPLY_ADD_H
#define LW_OPS_MULTIPLY_ADD_H

#include "engine/ops/tensor.h"

struct lw_multiply_add {
    struct lw_buffer y;   // [count] fp32: a sum that needs all of an invocation's work
    uint32_t count;       // invocations
    uint32_t rounds;      // of each
    float factor, addend; // |factor| < 1, so that nothing overflows
};

// Records it: y[i] as shaders/multiply_add.h says.
void lw_multiply_add(struct lw_stream *stream, const struct lw_multiply_add *multiply_add);

// Floating-point operations of one run, a multiply-add being two.
double lw_multiply_add_flops(const struct lw_multiply_add *multiply_add);

#endif
