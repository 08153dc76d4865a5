// SPDX-License-Identifier: Apache-2.0
// della's choice of elements: the larger a difference is among those of its row, the likelier it
// stays. Called by family_task.c.
#ifndef LW_MERGER_RANKS_H
#define LW_MERGER_RANKS_H

#include "engine/ops/array.h"

struct lw_rank_choice {
    struct lw_array x, base; // mapped; [rows, columns]
    uint64_t first;          // of the part in the tensor, in elements
    uint32_t rows, columns;
    double density, epsilon;
    uint64_t seed, stream;
    uint32_t *words; // [rows * columns / 32, rounded up]: bits of the elements that stay
};

// Element i stays with the probability density - epsilon for the smallest of its row, density + epsilon
// for the largest, evenly by rank between; equal ones rank by index. The random numbers are those of
// lw_task_random.
bool lw_rank_choose(const struct lw_rank_choice *choice, struct lw_error *error);

#endif
