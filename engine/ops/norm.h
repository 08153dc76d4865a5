// SPDX-License-Identifier: Apache-2.0
// RMS normalisation over rows: y = x * rsqrt(mean(x^2) + epsilon) * weight (arXiv 1910.07467).
#ifndef LW_OPS_NORM_H
#define LW_OPS_NORM_H

#include "engine/ops/tensor.h"

struct lw_rms_norm {
    struct lw_tensor x, y;    // [rows, columns]
    struct lw_tensor weight;  // [1, columns], the type of x
    struct lw_tensor inverse; // [1, rows] fp32: rsqrt(mean(x^2) + epsilon), kept for backward
    float epsilon;
};

void lw_rms_norm(struct lw_stream *stream, const struct lw_rms_norm *norm);

struct lw_rms_norm_backward {
    struct lw_tensor x, weight, inverse; // as above
    struct lw_tensor y_gradient;         // [rows, columns]
    struct lw_tensor add; // [rows, columns], added to x_gradient (the residual's); absent: none
    struct lw_tensor x_gradient;      // [rows, columns], written; may be `add` itself
    struct lw_tensor weight_gradient; // [1, columns] fp32, added to
    struct lw_buffer scratch;         // lw_rms_norm_scratch() bytes
};

uint64_t lw_rms_norm_scratch(uint32_t rows, uint32_t columns);
// Deterministic: rows are summed in a fixed order.
void lw_rms_norm_backward(struct lw_stream *stream, const struct lw_rms_norm_backward *norm);

// sums[c] += sum over rows of x[r, c], in a fixed order: the gradient of a bias. sums [1, columns]
// fp32; the same scratch as above.
void lw_sum_rows(struct lw_stream *stream, const struct lw_tensor *x, const struct lw_tensor *sums,
    const struct lw_buffer *scratch);

#endif
