// SPDX-License-Identifier: Apache-2.0
// A micro-batch on its way to the device: the host writes one of several staging copies while the
// device may still read the others, so that the micro-batches of a step, and of the next, are under
// way without a wait.
#ifndef LW_MODEL_INPUTS_H
#define LW_MODEL_INPUTS_H

#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"
#include "engine/model/batch.h"

struct lw_staging {
    struct lw_buffer buffer;
    struct lw_stream *copy;
    uint64_t ticket; // when it is free again
};

struct lw_inputs {
    // On the device. [tokens] uint32 unless said.
    struct lw_buffer tokens, positions, segment_start, segment_end, rotary_row;
    struct lw_buffer trained_rows; // positions with a target, ascending
    struct lw_buffer targets;      // their targets
    struct lw_buffer order;        // positions sorted by token id, then position; frozen ones last
    struct lw_buffer group_start;  // [tokens + 1]: where each run of equal ids begins in order
    struct lw_buffer row_count;    // one uint32: trained rows
    struct lw_buffer group_count;  // one uint32: runs, without the frozen token's
    struct lw_buffer loss_scale;   // one fp32
    // Private.
    struct lw_device *device;
    uint32_t token_count, frozen_token;
    struct lw_arena *arena, *staging_arena;
    struct lw_buffer all;
    struct lw_staging *staging; // [staging_count], used in turn
    size_t staging_count, next;
    uint32_t *keys; // scratch of the sort
};

// The embedding of `frozen_token` (UINT32_MAX: none) gets no gradient as an input.
bool lw_inputs_create(struct lw_inputs **inputs, struct lw_device *device, uint32_t tokens,
    uint32_t frozen_token, struct lw_error *error);
void lw_inputs_destroy(struct lw_inputs *inputs); // the device must be done with them

// Device and staging bytes that lw_inputs_create takes, for the plan.
uint64_t lw_inputs_size(uint32_t tokens);

// Submits the copy of `batch`, whose token_budget is the inputs' and whose ids are in the
// vocabulary. Waits only when all staging copies are in use.
bool lw_inputs_submit(struct lw_inputs *inputs, const struct lw_batch *batch, float loss_scale,
    struct lw_error *error);

#endif
