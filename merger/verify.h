// SPDX-License-Identifier: Apache-2.0
// Whether a merged model, and what it was made from, are still what its manifest says. Called by the
// command line.
#ifndef LW_MERGER_VERIFY_H
#define LW_MERGER_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum lw_merge_state {
    LW_MERGE_FILE_SAME,
    LW_MERGE_FILE_CHANGED, // other bytes, or another number of them
    LW_MERGE_FILE_MISSING,
    LW_MERGE_FILE_UNKNOWN, // the manifest has no SHA-256: sizes are the same
    LW_MERGE_FILE_EXTRA    // stands in the folder, not in the manifest
};

// A file of the result, or of a model that went in.
struct lw_merge_verified {
    const char *folder; // the merged model's, or the input's as the manifest names it
    const char *name;
    bool input;
    enum lw_merge_state state;
};

struct lw_merge_verify_params {
    const char *folder; // of the merged model
    // Called for each file, as soon as it was read.
    void (*file)(void *context, const struct lw_merge_verified *file);
    bool (*stopping)(void *context); // asked between files; NULL: never
    void *context;
};

struct lw_merge_verdict {
    size_t inputs;         // files
    size_t inputs_changed; // or missing
    uint64_t seed;         // with which the model was made; 0 where nothing was drawn
};

// LW_BAD_INPUT: no manifest, or a damaged one; a file of the result that is not what it was, or not
// there; a file too many. Inputs that changed or went are only told: they may have.
bool lw_merge_verify(const struct lw_merge_verify_params *params, struct lw_merge_verdict *verdict,
    struct lw_error *error);

#endif
