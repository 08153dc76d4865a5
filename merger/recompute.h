// SPDX-License-Identifier: Apache-2.0
// Makes a merged model's tensors once more, from the models that went in, and compares them with those
// that its folder holds. Called by the command line.
#ifndef LW_MERGER_RECOMPUTE_H
#define LW_MERGER_RECOMPUTE_H

#include "engine/gpu/device.h"
#include "merger/plan.h"

struct lw_merge_recompute_params {
    const char *folder; // of the merged model
    // As lw_merge_run's.
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

struct lw_merge_recomputed {
    uint64_t elements;  // of all tensors
    uint64_t differing; // that are not the same, but for rounding
    double largest;     // difference of these
};

// LW_BAD_INPUT: a tensor that is missing, too many, or of another type or shape than the plan's; one
// with an element that differs by more than rounding, which is one unit in the last place of its type
// and 2^-20 of the largest of the elements about it, since another device may sum in another order.
bool lw_merge_recompute(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_recompute_params *params, struct lw_merge_recomputed *recomputed,
    struct lw_error *error);

#endif
