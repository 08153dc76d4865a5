// SPDX-License-Identifier: Apache-2.0
// What decides element by element between models: their variance, the importance of a change, their
// nearness. Called by merger/.
#ifndef LW_OPS_FUSION_H
#define LW_OPS_FUSION_H

#include "engine/ops/array.h"

// y[i] = the variance over the arrays of x[k][i] - base[i].
struct lw_variance {
    const struct lw_array *x; // [array_count]
    size_t array_count;       // at least 1
    struct lw_array base;
    struct lw_buffer mean, y; // fp32 [count]; mean: scratch, used from 9 arrays on
    uint64_t count;           // elements, below 2^32
};
void lw_variance(struct lw_stream *stream, const struct lw_variance *variance);

// importance = |x - base| times the divergence of the softmaxes of the row in x and in base.
struct lw_divergence {
    struct lw_array x, base;     // [rows, columns]
    struct lw_buffer importance; // fp32 [rows, columns]
    uint32_t rows, columns;
};
void lw_divergence(struct lw_stream *stream, const struct lw_divergence *divergence);

// y = w x + (1 - w) base with w = t / max(|x - base|, 10^-6), between 0 and 1.
struct lw_near_swap {
    struct lw_array x, base, y;
    uint64_t count; // elements, below 2^32
    float t;
};
void lw_near_swap(struct lw_stream *stream, const struct lw_near_swap *swap);

#endif
