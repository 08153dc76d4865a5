// SPDX-License-Identifier: Apache-2.0
// See loss.h.
#include "tests/reference/loss.h"

#include <math.h>

void reference_cross_entropy(const double *logits, const uint32_t *targets, double scale,
    size_t rows, size_t columns, double *losses, double *gradient)
{
    for (size_t r = 0; r < rows; r++) {
        const double *row = logits + r * columns;
        double largest = -INFINITY, sum = 0;
        for (size_t c = 0; c < columns; c++) {
            largest = fmax(largest, row[c]);
        }
        for (size_t c = 0; c < columns; c++) {
            sum += exp(row[c] - largest);
        }
        losses[r] = targets[r] < columns ? log(sum) - (row[targets[r]] - largest) : NAN;
        for (size_t c = 0; c < columns; c++) {
            double probability = exp(row[c] - largest) / sum;
            gradient[r * columns + c] = (probability - (c == targets[r])) * scale;
        }
    }
}
