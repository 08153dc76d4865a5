// SPDX-License-Identifier: Apache-2.0
// RMS normalisation and column sums in double precision, written to be read. All arrays are dense.
#ifndef LW_TESTS_REFERENCE_NORM_H
#define LW_TESTS_REFERENCE_NORM_H

#include <stddef.h>

// y[r, c] = x[r, c] * inverse[r] * weight[c], inverse[r] = 1 / sqrt(mean of x[r]^2 + epsilon).
void reference_rms_norm(const double *x, const double *weight, double epsilon, size_t rows,
    size_t columns, double *y, double *inverse);

// With u = dy * weight:
// dx[r, c] = inverse[r] * (u[r, c] - x[r, c] * inverse[r]^2 * mean of u[r] * x[r]);
// dweight[c] += sum over r of dy[r, c] * x[r, c] * inverse[r].
void reference_rms_norm_backward(const double *x, const double *weight, const double *inverse,
    const double *dy, size_t rows, size_t columns, double *dx, double *dweight);

// sums[c] += sum over r of x[r, c].
void reference_sum_rows(const double *x, size_t rows, size_t columns, double *sums);

#endif
