// SPDX-License-Identifier: Apache-2.0
// Element type conversions and weighted sums, rounded once to nearest even.
#ifndef LW_OPS_CONVERT_H
#define LW_OPS_CONVERT_H

#include "engine/ops/tensor.h"

// y[i] = x[i], i < count; types F32, BF16, F16 in any combination.
void lw_convert(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    const struct lw_buffer *y, enum lw_type y_type, uint64_t count);

// The most terms of one weighted sum.
enum { LW_WEIGHTED_TERMS = 8 };

struct lw_weighted_term {
    const struct lw_buffer *x;
    enum lw_type type;
    float weight;
};

// y[i] = sum over the terms of weight * x[i], in fp32 and in the order of the terms, rounded once to
// `y_type`; i < elements, term_count from 1 to LW_WEIGHTED_TERMS. Types in any combination.
void lw_weighted_sum(struct lw_stream *stream, const struct lw_weighted_term *terms,
    size_t term_count, const struct lw_buffer *y, enum lw_type y_type, uint64_t elements);

#endif
