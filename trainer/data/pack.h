// SPDX-License-Identifier: Apache-2.0
// Packs the examples of one optimizer step into micro-batches of a fixed token budget. No example is
// split and none sees another, so the numbers equal those of the padded computation. Used by the
// training loop and by evaluation; lw_batch is what the device side uploads.
#ifndef LW_TRAINER_DATA_PACK_H
#define LW_TRAINER_DATA_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/model/batch.h"
#include "engine/model/rotary.h"
#include "trainer/data/examples.h"

// Allocates the arrays of a batch of `token_budget` positions (one block).
bool lw_batch_create(struct lw_batch **batch, uint32_t token_budget, struct lw_error *error);
void lw_batch_destroy(struct lw_batch **batch);

// Which micro-batch each example of a step goes to.
struct lw_pack;

// `largest_step`: the most examples that a step will hold; nothing is allocated afterwards.
bool lw_pack_create(
    struct lw_pack **pack, uint32_t token_budget, size_t largest_step, struct lw_error *error);
void lw_pack_destroy(struct lw_pack **pack);

// Plans one step: best fit, longest example first, equal lengths in the order given, so that the
// plan is a function of the lengths alone. Keeps a pointer to `examples`, which must outlive the
// lw_pack_fill calls of the step. Every example is 1 to token_budget tokens long. Returns the number
// of micro-batches.
size_t lw_pack_step(struct lw_pack *pack, const struct lw_example_view *examples, size_t count);

// Decides each example's row of the rotary table as transformers does, once per forward call: for
// `together` consecutive examples of the planned step, padded to the longest of them and up to a
// multiple of 8 (LLaMA-Factory's collator). Without this call every example has row 0.
void lw_pack_rotate(struct lw_pack *pack, const struct lw_rotary *rotary, size_t together);

// Figures of the planned step.
struct lw_pack_totals {
    uint64_t tokens;  // without padding
    uint64_t targets; // trained positions over all micro-batches
    // What transformers divides the summed loss by: labels that are not -100 before the shift by
    // one. Larger than `targets` only where an example's first token is trained (train_on_prompt).
    uint64_t labels;
};
struct lw_pack_totals lw_pack_totals(const struct lw_pack *pack);

// Writes micro-batch `index` of the planned step into `batch`, whose budget is the pack's. Segments
// stand in the order of the step.
void lw_pack_fill(const struct lw_pack *pack, size_t index, struct lw_batch *batch);

#endif
