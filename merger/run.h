// SPDX-License-Identifier: Apache-2.0
// Carries out a merge: computes its tensors (compute.h) and writes them, with all that belongs beside
// them, to a folder. Called by the command line.
#ifndef LW_MERGER_RUN_H
#define LW_MERGER_RUN_H

#include "engine/gpu/device.h"
#include "merger/plan.h"

struct lw_merge_run_params {
    const char *output;     // folder to be; must not exist, or be empty
    bool resume;            // go on behind the whole shards of an interrupted run of the same merge
    uint64_t shard_bytes;   // the most in a file; 0: 5 * 10^9
    bool no_hash;           // leave the SHA-256 out of the manifest
    bool allow_nonfinite;   // NaNs and infinities in models and result are no errors
    uint64_t part_elements; // the most that are computed at once; 0: what suits most devices
    // Called between parts with the bytes of the result that are computed; false stops the merge
    // with LW_INTERRUPTED. May be NULL.
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

// Writes the output folder: tensors, and the base's config, tokenizer and other files beside them.
// It appears whole, as the last thing that happens, or not at all; what stands in whole shards when
// the merge stops before stays beside it, for `resume`. LW_BAD_INPUT names the tensor
// and model that hold a NaN or an infinity, or the tensor whose result does; LW_USAGE the tensor and
// the parameter whose value the method cannot take, before anything is written.
bool lw_merge_run(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_run_params *params, struct lw_error *error);

#endif
