// SPDX-License-Identifier: Apache-2.0
// See matmul.h.
#include "tests/reference/matmul.h"

static double dot(const struct reference_matmul *matmul, size_t i, size_t j)
{
    // From one depth to the next.
    size_t a_step = matmul->a_transposed ? matmul->m : 1;
    size_t b_step = matmul->b_transposed ? matmul->n : 1;
    const double *a = matmul->a + (matmul->a_transposed ? i : i * matmul->k);
    const double *b = matmul->b + (matmul->b_transposed ? j : j * matmul->k);
    double sum = 0;
    for (size_t l = 0; l < matmul->k; l++) {
        sum += a[l * a_step] * b[l * b_step];
    }
    return sum;
}

void reference_matmul(const struct reference_matmul *matmul, double *c)
{
    for (size_t i = 0; i < matmul->m; i++) {
        for (size_t j = 0; j < matmul->n; j++) {
            size_t at = i * matmul->n + j;
            double bias = matmul->bias ? matmul->bias[j] : 0;
            double add = matmul->add ? matmul->add[at] : 0;
            c[at] = dot(matmul, i, j) + bias + add;
        }
    }
}
