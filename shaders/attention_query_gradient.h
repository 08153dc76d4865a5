// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ATTENTION_QUERY_GRADIENT_H
#define LW_SHADERS_ATTENTION_QUERY_GRADIENT_H

#include "shaders/include/args.h"

// The gradient of the queries, and delta = sum(out * out_gradient) of each query and head, which
// the gradient of the keys needs.
struct lw_attention_query_gradient_args {
    uint64_t q, k, v, result, out_gradient; // storage type
    uint64_t log_sum;                       // [heads, tokens] fp32
    uint64_t segment_start;                 // [tokens] uint32
    uint64_t delta;                         // [heads, tokens] fp32, written
    uint64_t q_gradient;                    // storage type, written
    uint64_t scales; // magnitudes of q, k, v, out_gradient (magnitude.h), for fp16 matrices
    uint32_t q_stride, k_stride, v_stride, result_stride, out_gradient_stride, q_gradient_stride;
    uint32_t tokens, heads;
    uint32_t group;  // query heads of one key head
    uint32_t window; // keys a query sees at most; 0: no limit
    float scale;
};
LW_ARGS_SIZE(lw_attention_query_gradient_args, 128)

#endif
