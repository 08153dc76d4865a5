// SPDX-License-Identifier: Apache-2.0
// merge_manifest.json: what a merge was made from and what came out, file by file with size and
// SHA-256, so that anybody can tell later whether it is still what it was. Called by run.c and
// verify.c.
#ifndef LW_MERGER_MANIFEST_H
#define LW_MERGER_MANIFEST_H

#include "merger/plan.h"

#define LW_MERGE_MANIFEST "merge_manifest.json"

// Reads the files of the plan's models and adapters, on a thread of its own beside the merge: their
// sizes, and their SHA-256 where `digests` are wanted.
struct lw_merge_hashing;

bool lw_merge_hashing_start(struct lw_merge_hashing **hashing, const struct lw_merge_plan *plan,
    bool digests, struct lw_error *error);
// Waits until all are read, and says what went wrong on the way.
bool lw_merge_hashing_wait(struct lw_merge_hashing *hashing, struct lw_error *error);
void lw_merge_hashing_destroy(struct lw_merge_hashing *hashing); // stops it first; NULL: nothing

// Adds the manifest of all files that stand in the writer's folder, whose tensors must be ended. What
// is not of tensors is read again.
bool lw_merge_manifest_write(const struct lw_merge_plan *plan, struct lw_merge_hashing *hashing,
    const char *device, struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
