// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding, the half-split form of transformers: for i < rotated / 2,
// (x[i], x[i + rotated / 2]) of each head is turned by position * inverse_frequency[row][i] (arXiv
// 2104.09864); columns from `rotated` on stay as they are.
#ifndef LW_OPS_ROPE_H
#define LW_OPS_ROPE_H

#include "engine/ops/tensor.h"

struct lw_rope {
    struct lw_tensor x; // [tokens, heads * head_dim], rotated in place
    uint32_t heads, head_dim;
    uint32_t rotated;                // columns of each head, from its first; even
    float scale;                     // multiplies cos and sin (longrope's attention factor); 1 else
    bool inverse;                    // rotate back: the gradient
    struct lw_buffer positions;      // [tokens] uint32
    struct lw_buffer frequency_rows; // [tokens] uint32: each token's row of the table
    struct lw_buffer inverse_frequency; // [rows, rotated / 2] fp32
};

// The angle is reduced accurately: cos and sin are right to fp32 rounding of position * frequency
// also for positions of 100,000.
void lw_rope(struct lw_stream *stream, const struct lw_rope *rope);

#endif
