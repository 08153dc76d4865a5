// SPDX-License-Identifier: Apache-2.0
// Token embedding in double precision, written to be read. All arrays are dense.
#ifndef LW_TESTS_REFERENCE_EMBEDDING_H
#define LW_TESTS_REFERENCE_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

// y[r, :] = x[indices[r], :] for r < rows.
void reference_gather(
    const double *x, const uint32_t *indices, size_t rows, size_t columns, double *y);

// table_gradient[ids[t], :] += dy[t, :] for t < tokens.
void reference_embedding_backward(
    const double *dy, const uint32_t *ids, size_t tokens, size_t columns, double *table_gradient);

#endif
