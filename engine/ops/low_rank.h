// SPDX-License-Identifier: Apache-2.0
// Adds a product of two thin matrices to a matrix, as folding in a LoRA adapter takes. Called by
// merger/.
#ifndef LW_OPS_LOW_RANK_H
#define LW_OPS_LOW_RANK_H

#include "engine/ops/array.h"

// What the rank is a multiple of: matrices of another are filled up with zeros.
enum { LW_LOW_RANK_STEP = 4 };

struct lw_low_rank_sum {
    struct lw_buffer left, right; // fp32 [rows, rank], [rank, columns]
    uint32_t rows, columns, rank;
    float scale;
    uint64_t first, count; // of the [rows, columns] product's elements, row by row
    struct lw_array x, y;  // [count]; may be the same
};

// y[i] = x[i] + scale * (left right)[first + i]; products are summed up in fp32 by themselves.
void lw_low_rank_sum(struct lw_stream *stream, const struct lw_low_rank_sum *sum);

#endif
