// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_QK_NORM_BACKWARD_H
#define LW_SHADERS_QK_NORM_BACKWARD_H

#include "shaders/include/args.h"

// With dy the gradient of qk_norm's result rotated back, u = dy * weight and inverse as there:
// dx = inverse * (u - x * inverse^2 * mean(u * x)), and per slice of tokens_each tokens and part of
// heads_each heads a row of partial sums, those of the queries first: dy * x * inverse.
// x_gradient may be y_gradient.
struct lw_qk_norm_backward_args {
    uint64_t x, y_gradient, x_gradient, q_weight, k_weight, positions, frequency, partial;
    uint32_t tokens, heads, kv_heads;
    uint32_t heads_each, tokens_each;
    uint32_t x_stride, y_gradient_stride, x_gradient_stride;
    float epsilon, scale; // scale: of cosine and sine
};
LW_ARGS_SIZE(lw_qk_norm_backward_args, 104)

#endif
