// SPDX-License-Identifier: Apache-2.0
// See norm.h.
#include "tests/reference/norm.h"

#include <math.h>

void reference_rms_norm(const double *x, const double *weight, double epsilon, size_t rows,
    size_t columns, double *y, double *inverse)
{
    for (size_t r = 0; r < rows; r++) {
        const double *row = x + r * columns;
        double squares = 0;
        for (size_t c = 0; c < columns; c++) {
            squares += row[c] * row[c];
        }
        inverse[r] = 1 / sqrt(squares / (double)columns + epsilon);
        for (size_t c = 0; c < columns; c++) {
            y[r * columns + c] = row[c] * inverse[r] * weight[c];
        }
    }
}

void reference_rms_norm_backward(const double *x, const double *weight, const double *inverse,
    const double *dy, size_t rows, size_t columns, double *dx, double *dweight)
{
    for (size_t r = 0; r < rows; r++) {
        const double *row = x + r * columns, *gradient = dy + r * columns;
        double mean = 0;
        for (size_t c = 0; c < columns; c++) {
            mean += gradient[c] * weight[c] * row[c] / (double)columns;
            dweight[c] += gradient[c] * row[c] * inverse[r];
        }
        for (size_t c = 0; c < columns; c++) {
            double u = gradient[c] * weight[c];
            dx[r * columns + c] = inverse[r] * (u - row[c] * inverse[r] * inverse[r] * mean);
        }
    }
}

void reference_sum_rows(const double *x, size_t rows, size_t columns, double *sums)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            sums[c] += x[r * columns + c];
        }
    }
}
