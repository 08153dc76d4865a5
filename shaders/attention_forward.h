// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ATTENTION_FORWARD_H
#define LW_SHADERS_ATTENTION_FORWARD_H

#include "shaders/include/args.h"

// Causal attention of `tokens` queries; shapes and formula in engine/ops/attention.h.
struct lw_attention_forward_args {
    uint64_t q, k, v;       // storage type, rows of q_stride, k_stride, v_stride elements
    uint64_t result;        // storage type, rows of result_stride elements
    uint64_t log_sum;       // [heads, tokens] fp32
    uint64_t segment_start; // [tokens] uint32
    uint64_t scales;        // magnitudes of q, k, v (magnitude.h), for fp16 matrices
    uint32_t q_stride, k_stride, v_stride, result_stride;
    uint32_t tokens, heads;
    uint32_t group;  // query heads of one key head
    uint32_t window; // keys a query sees at most; 0: no limit
    float scale;
};
LW_ARGS_SIZE(lw_attention_forward_args, 96)

#endif
