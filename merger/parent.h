// SPDX-License-Identifier: Apache-2.0
// A model that goes into a merge: its tensors, and what of its config.json a merge must know.
// Architectures that the engine cannot run can still be merged. Called by plan.c.
#ifndef LW_MERGER_PARENT_H
#define LW_MERGER_PARENT_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/io/checkpoint.h"

struct lw_merge_parent {
    const char *folder; // the caller's
    struct lw_checkpoint *checkpoint;
    cJSON *config;
    const char *architecture; // belongs to `config`
    // Parameters that may share one matrix, by name; NULL where the engine does not know the family.
    const char *embedding, *head;
    bool tied; // config.json ties the head to the embedding
};

// LW_BAD_INPUT: no config.json, no architecture in it, tensors that cannot be read. `parent` is for
// lw_merge_parent_close, after a failure as well.
bool lw_merge_parent_open(
    struct lw_merge_parent *parent, const char *folder, struct lw_error *error);
void lw_merge_parent_close(struct lw_merge_parent *parent);

// Adds a line to `problems` for each setting of config.json that changes what the weights mean and
// is not the same in both; `*count` counts them. A setting that one does not have is no problem.
bool lw_merge_parent_compare(const struct lw_merge_parent *base,
    const struct lw_merge_parent *other, struct lw_string *problems, size_t *count,
    struct lw_error *error);

#endif
