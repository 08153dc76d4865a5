// SPDX-License-Identifier: Apache-2.0
// Three stages over numbered items: reading, computing and writing, each on its own thread, so that
// they overlap. Items pass in order through a ring of slots (buffers, which the caller owns), so
// memory stays bounded and the slowest stage sets the pace. Called by compute.c.
#ifndef LW_MERGER_PIPE_H
#define LW_MERGER_PIPE_H

#include <stddef.h>

#include "engine/base/error.h"

// One stage's work on item `item` in slot `slot`. Stages see the items in order; for one item, read
// comes before compute before write; a slot belongs to one stage at a time.
typedef bool (*lw_pipe_stage)(void *context, size_t item, size_t slot, struct lw_error *error);

struct lw_pipe_params {
    size_t item_count, slot_count;
    void *context;      // for the stages
    lw_pipe_stage read; // on a thread of its own
    // How many items must have been computed before item `item` may be read; NULL: any may.
    size_t (*after)(void *context, size_t item);
    lw_pipe_stage compute; // on the caller's thread
    lw_pipe_stage write;   // on a thread of its own
};

// Returns when all items went through, or when a stage failed and the others have stopped; `error`
// is then that stage's.
bool lw_pipe_run(const struct lw_pipe_params *params, struct lw_error *error);

#endif
