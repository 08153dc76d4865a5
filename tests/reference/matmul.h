// SPDX-License-Identifier: Apache-2.0
// Matrix products in double precision, written to be read.
#ifndef LW_TESTS_REFERENCE_MATMUL_H
#define LW_TESTS_REFERENCE_MATMUL_H

#include <stdbool.h>
#include <stddef.h>

struct reference_matmul {
    size_t m, n, k;
    bool a_transposed, b_transposed; // a is [k, m] instead of [m, k], b [k, n] instead of [n, k]
    const double *a, *b;
    const double *bias; // [n] or NULL
    const double *add;  // [m, n] or NULL
};

// c[i, j] = sum over l of a(i, l) b(j, l), + bias[j], + add[i, j]. c may be add.
void reference_matmul(const struct reference_matmul *matmul, double *c);

#endif
