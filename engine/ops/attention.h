// SPDX-License-Identifier: Apache-2.0
// Causal grouped-query attention over packed segments, forward and backward, flash style: scores
// live in registers, never as [tokens, tokens] in memory. Query t sees the keys k with
// max(segment_start[t], t - window + 1) <= k <= t. Queries of head h use key head
// h / (heads / kv_heads).
#ifndef LW_OPS_ATTENTION_H
#define LW_OPS_ATTENTION_H

#include "engine/ops/tensor.h"

struct lw_attention {
    uint32_t tokens, heads, kv_heads, head_dim;
    uint32_t window;                // sliding window in keys; 0: none
    float scale;                    // of the scores, 1 / sqrt(head_dim)
    struct lw_tensor q;             // [tokens, heads * head_dim]
    struct lw_tensor k, v;          // [tokens, kv_heads * head_dim]; q, k, v may be column parts of
                                    // one tensor
    struct lw_tensor out;           // [tokens, heads * head_dim]
    struct lw_tensor log_sum;       // [heads, tokens] fp32: log of the sum of exp(score)
    struct lw_buffer segment_start; // [tokens] uint32: first token of this token's segment
    struct lw_buffer segment_end;   // [tokens] uint32: one past the last
    struct lw_buffer scratch;       // lw_attention_scratch() bytes, free again after the operation
};

// Bytes of scratch memory for attention forward and backward on tensors of `type`.
uint64_t lw_attention_scratch(const struct lw_device *device, enum lw_type type);

// Records out and log_sum.
void lw_attention_forward(struct lw_stream *stream, const struct lw_attention *attention);

struct lw_attention_backward {
    struct lw_attention forward;                         // its inputs and results
    struct lw_tensor out_gradient;                       // [tokens, heads * head_dim]
    struct lw_tensor q_gradient, k_gradient, v_gradient; // shaped as q, k, v; written, not added
    struct lw_tensor delta; // [heads, tokens] fp32 scratch: sum of out * out_gradient
};

// Records the gradients; deterministic.
void lw_attention_backward(struct lw_stream *stream, const struct lw_attention_backward *backward);

// One new query per sequence against a cache, for generation: q [1, heads * head_dim] is token
// `position`, the keys and values are rows [0, position] of the caches k, v
// [capacity, kv_heads * head_dim]; `position` is read from `position_buffer` (one uint32), so that
// one recording serves all positions.
struct lw_attention_decode {
    uint32_t capacity, heads, kv_heads, head_dim, window;
    float scale;
    struct lw_tensor q, k, v, out;
    struct lw_buffer position_buffer;
};
void lw_attention_decode(struct lw_stream *stream, const struct lw_attention_decode *decode);

#endif
