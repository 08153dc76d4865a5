// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy over one chunk of logits.
#ifndef LW_OPS_LOSS_H
#define LW_OPS_LOSS_H

#include "engine/ops/tensor.h"

struct lw_cross_entropy {
    struct lw_tensor logits;   // [rows, vocabulary] fp32
    struct lw_tensor gradient; // [rows, vocabulary]: (softmax - one_hot(target)) * loss_scale, zero
                               // in rows past the count; absent: loss only. May have the logits'
                               // memory when it is fp32 too.
    struct lw_buffer targets;  // uint32 ids of the trained rows, indexed by first_row + r
    struct lw_buffer row_count; // one uint32: how many trained rows there are in all
    uint32_t first_row;
    struct lw_buffer losses;     // [first_row + rows] fp32 or more: -log softmax[target] per row
    struct lw_buffer loss_scale; // one fp32: 1 / trained tokens of the whole step
};

// max and sum in fp32 (arXiv 1805.02867); deterministic.
void lw_cross_entropy(struct lw_stream *stream, const struct lw_cross_entropy *loss);

// *sum += *loss_scale * sum of losses[0 .. *row_count), in a fixed order (losses may be some 10^5).
// sum: one fp32.
void lw_loss_sum(struct lw_stream *stream, const struct lw_buffer *losses,
    const struct lw_buffer *row_count, const struct lw_buffer *loss_scale,
    const struct lw_buffer *sum);

#endif
