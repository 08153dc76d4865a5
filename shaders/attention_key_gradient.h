// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ATTENTION_KEY_GRADIENT_H
#define LW_SHADERS_ATTENTION_KEY_GRADIENT_H

#include "shaders/include/args.h"

// The gradients of the keys and the values, summed over the query heads of each key head.
struct lw_attention_key_gradient_args {
    uint64_t q, k, v, out_gradient;  // storage type
    uint64_t log_sum, delta;         // [heads, tokens] fp32
    uint64_t segment_end;            // [tokens] uint32
    uint64_t k_gradient, v_gradient; // storage type, written
    uint64_t scales; // magnitudes of q, k, v, out_gradient (magnitude.h), for fp16 matrices
    uint32_t q_stride, k_stride, v_stride, out_gradient_stride;
    uint32_t k_gradient_stride, v_gradient_stride;
    uint32_t tokens, kv_heads;
    uint32_t group;  // query heads of one key head
    uint32_t window; // keys a query sees at most; 0: no limit
    float scale;
};
LW_ARGS_SIZE(lw_attention_key_gradient_args, 128)

#endif
