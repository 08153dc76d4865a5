// SPDX-License-Identifier: Apache-2.0
// Makes the tensors of a plan: reads the models part by part, computes on the device and hands the
// result on in order, all three at once. Memory stays the same whatever the models' size. Called by
// run.c, which writes them, and recompute.c, which compares them.
#ifndef LW_MERGER_COMPUTE_H
#define LW_MERGER_COMPUTE_H

#include "engine/gpu/device.h"
#include "merger/plan.h"

// A stretch of a tensor that was made; stretches follow each other without gaps.
struct lw_merge_made {
    const struct lw_tensor_info *info;
    uint64_t first, count; // elements
    const void *elements;  // valid during the call
};

struct lw_merge_compute_params {
    size_t first_tensor;    // of the plan's; the ones before it are not wanted
    bool allow_nonfinite;   // NaNs and infinities in models and result are no errors
    uint64_t part_elements; // the most that are computed at once; 0: what suits most devices
    // Called on a thread of its own; false, with `error` set, ends everything.
    bool (*take)(void *taker, const struct lw_merge_made *made, struct lw_error *error);
    void *taker;
    // Called between parts with the bytes of the result that are computed; false stops the merge
    // with LW_INTERRUPTED. May be NULL.
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

// LW_BAD_INPUT names the tensor and model that hold a NaN or an infinity, or the tensor whose result
// does; LW_USAGE the tensor and the parameter whose value the method cannot take, before anything is
// handed on.
bool lw_merge_compute(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_compute_params *params, struct lw_error *error);

#endif
