// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy in double precision, written to be read. All arrays are dense.
#ifndef LW_TESTS_REFERENCE_LOSS_H
#define LW_TESTS_REFERENCE_LOSS_H

#include <stddef.h>
#include <stdint.h>

// losses[r] = -log softmax(logits[r])[targets[r]]; gradient[r, c] = (softmax(logits[r])[c] -
// [c == targets[r]]) * scale. A target that is no column makes its loss NaN.
void reference_cross_entropy(const double *logits, const uint32_t *targets, double scale,
    size_t rows, size_t columns, double *losses, double *gradient);

#endif
