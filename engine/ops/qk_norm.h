// SPDX-License-Identifier: Apache-2.0
// RMS normalisation of each query and key head (norm.h, a row being one head) and its rotation
// (rope.h) in one pass over memory, as Qwen3 does (arXiv 2505.09388).
#ifndef LW_OPS_QK_NORM_H
#define LW_OPS_QK_NORM_H

#include "engine/ops/tensor.h"

struct lw_qk_norm {
    struct lw_tensor x, y; // [tokens, (heads + kv_heads) * head_dim]: query heads, then key heads
    struct lw_tensor q_weight, k_weight; // [1, head_dim], the type of x
    uint32_t heads, kv_heads, head_dim;  // head_dim even, at most 1024
    float epsilon;
    float scale;                        // multiplies cos and sin; 1 mostly
    struct lw_buffer positions;         // [tokens] uint32
    struct lw_buffer inverse_frequency; // [head_dim / 2] fp32
};

// y = the rotated x / sqrt(mean over the head of x^2 + epsilon) * weight; y may be x.
void lw_qk_norm(struct lw_stream *stream, const struct lw_qk_norm *norm);

struct lw_qk_norm_backward {
    struct lw_qk_norm forward;   // y is not used
    struct lw_tensor y_gradient; // as y
    struct lw_tensor x_gradient; // as x, written; may be y_gradient itself
    struct lw_tensor q_weight_gradient, k_weight_gradient; // [1, head_dim] fp32, added to
    struct lw_buffer scratch;                              // lw_qk_norm_scratch() bytes
};

uint64_t lw_qk_norm_scratch(const struct lw_device *device, const struct lw_qk_norm *forward);
// Deterministic: tokens and heads are summed in a fixed order.
void lw_qk_norm_backward(struct lw_stream *stream, const struct lw_qk_norm_backward *norm);

#endif
