// SPDX-License-Identifier: Apache-2.0
// See embedding.h.
#include "tests/reference/embedding.h"

#include <string.h>

void reference_gather(
    const double *x, const uint32_t *indices, size_t rows, size_t columns, double *y)
{
    for (size_t r = 0; r < rows; r++) {
        memcpy(y + r * columns, x + indices[r] * columns, columns * sizeof *y);
    }
}

void reference_embedding_backward(
    const double *dy, const uint32_t *ids, size_t tokens, size_t columns, double *table_gradient)
{
    for (size_t t = 0; t < tokens; t++) {
        for (size_t c = 0; c < columns; c++) {
            table_gradient[ids[t] * columns + c] += dy[t * columns + c];
        }
    }
}
