// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_QK_NORM_H
#define LW_SHADERS_QK_NORM_H

#include "shaders/include/args.h"

// Each head of x [tokens, heads + kv_heads, head_dim] times 1 / sqrt(mean(x^2) + epsilon) and
// weight, those of the queries or of the keys, then rotated as in rope.h. y may be x.
struct lw_qk_norm_args {
    uint64_t x, y, q_weight, k_weight, positions, frequency;
    uint32_t tokens, heads, kv_heads;
    uint32_t heads_each; // heads that one team takes
    uint32_t x_stride, y_stride;
    float epsilon, scale; // scale: of cosine and sine
};
LW_ARGS_SIZE(lw_qk_norm_args, 80)

#endif
