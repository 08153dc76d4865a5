// SPDX-License-Identifier: Apache-2.0
// Which examples share a pack under neat_packing: LLaMA-Factory's greedy knapsack (data/processor/
// processor_utils.py), which fills one pack after another with the longest example that still fits.
// Called by dataset.c.
#ifndef LW_TRAINER_DATA_KNAPSACK_H
#define LW_TRAINER_DATA_KNAPSACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// Examples in packs. Zero-initialise before use.
struct lw_packs {
    uint32_t *members; // [member_count] pack after pack
    uint32_t *ends;    // [count] where each pack ends in `members`
    size_t member_count, count;
    size_t member_capacity, capacity;
};

// Adds the packs of `count` examples that are packed together; lengths[i] is that of example
// `examples[i]`, at most `capacity` tokens. Of equal lengths the last goes first.
bool lw_packs_add(struct lw_packs *packs, const uint32_t *examples, const uint32_t *lengths,
    size_t count, uint32_t capacity, struct lw_error *error);
void lw_packs_free(struct lw_packs *packs);

// The members of pack `index`; *count says how many.
const uint32_t *lw_packs_at(const struct lw_packs *packs, size_t index, size_t *count);

// The rows that datasets.map takes together: of `rows` in `workers` contiguous shards (0: one), each
// in batches of `batch`, the end of the one that begins at row `begin`.
size_t lw_packs_batch_end(size_t rows, size_t workers, size_t batch, size_t begin);

#endif
