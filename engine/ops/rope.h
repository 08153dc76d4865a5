// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding, the half-split form of transformers: for i < head_dim / 2,
// (x[i], x[i + head_dim/2]) is rotated by position * inverse_frequency[i] (arXiv 2104.09864).
#ifndef LW_OPS_ROPE_H
#define LW_OPS_ROPE_H

#include "engine/ops/tensor.h"

struct lw_rope {
    struct lw_tensor x;         // [tokens, heads * head_dim], rotated in place
    uint32_t heads, head_dim;   // head_dim even
    float scale;                // multiplies cos and sin (longrope's attention factor); 1 else
    bool inverse;               // rotate back: the gradient
    struct lw_buffer positions; // [tokens] uint32
    struct lw_buffer inverse_frequency; // [head_dim / 2] fp32
};

// The angle is reduced accurately: cos and sin are right to fp32 rounding of position * frequency
// also for positions of 100,000.
void lw_rope(struct lw_stream *stream, const struct lw_rope *rope);

#endif
