// SPDX-License-Identifier: Apache-2.0
// Element type conversions and weighted sums, rounded once to nearest even.
#ifndef LW_OPS_CONVERT_H
#define LW_OPS_CONVERT_H

#include "engine/ops/tensor.h"

// y[i] = x[i], i < count; types F32, BF16, F16 in any combination.
void lw_convert(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    const struct lw_buffer *y, enum lw_type y_type, uint64_t count);

// One term of a weighted average: sum[i] = (first ? 0 : sum[i]) + weight * x[i], fp32.
void lw_weighted_add(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    float weight, bool first, const struct lw_buffer *sum, uint64_t count);

#endif
