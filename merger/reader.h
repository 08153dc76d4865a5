// SPDX-License-Identifier: Apache-2.0
// Reads stretches of a merge's inputs, through row maps where there are any. Called by compute.c on the
// reading thread.
#ifndef LW_MERGER_READER_H
#define LW_MERGER_READER_H

#include "merger/plan.h"

struct lw_merge_stretch {
    const struct lw_merge_plan *plan;
    const struct lw_merge_tensor *tensor;
    const struct lw_merge_input *input;
    uint64_t first, count; // elements of the result's tensor
    bool finite;           // a NaN or an infinity is LW_BAD_INPUT, with model, tensor and place
};

// The elements to `target`, of lw_merge_input_file's type; an adapter's product is not in them yet.
bool lw_merge_read(const struct lw_merge_stretch *stretch, void *target, struct lw_error *error);

// LW_BAD_INPUT where one of `count` elements, of which the first is element `first` of the tensor, is
// no finite number; `where` says whose they are.
bool lw_merge_check_finite(const struct lw_tensor_info *info, const char *where,
    const void *elements, uint64_t first, uint64_t count, struct lw_error *error);

#endif
