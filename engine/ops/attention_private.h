// SPDX-License-Identifier: Apache-2.0
// Between attention.c and attention_variants.c: which kernel runs an attention operation, with
// what tile sizes and how many workgroups.
#ifndef LW_OPS_ATTENTION_PRIVATE_H
#define LW_OPS_ATTENTION_PRIVATE_H

#include "engine/ops/tensor.h"

#define LW_ATTENTION_MAX_HEAD_DIM 512u

enum lw_attention_operation {
    LW_ATTENTION_FORWARD,
    LW_ATTENTION_QUERY_GRADIENT,
    LW_ATTENTION_KEY_GRADIENT,
    LW_ATTENTION_DECODE,
    LW_ATTENTION_OPERATION_COUNT
};

// What the choice depends on.
struct lw_attention_shape {
    enum lw_type type;
    uint32_t tokens; // of the queries; for decode the cache's capacity
    uint32_t heads, kv_heads, head_dim;
    const struct lw_tensor *q, *k, *v, *out;
    const struct lw_tensor *out_gradient, *q_gradient, *k_gradient, *v_gradient; // or NULL
    const struct lw_buffer *scratch; // lw_attention_scratch() bytes; for decode NULL
};

// Fills the dispatch's kernel, constants and workgroups for the stream's device, and records before
// it what the kernel needs in the scratch memory. The gradient of the keys finds there what the
// gradient of the queries, recorded before it, left.
void lw_attention_plan(struct lw_stream *stream, enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, struct lw_dispatch *dispatch);

#endif
