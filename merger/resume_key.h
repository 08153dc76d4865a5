// SPDX-License-Identifier: Apache-2.0
// What decides the bytes of a merge, as a text: an interrupted merge goes on only where it is the same.
// Called by run.c.
#ifndef LW_MERGER_RESUME_KEY_H
#define LW_MERGER_RESUME_KEY_H

#include "merger/run.h"

// Appends Lewin's version, recipe, seed and settings, and each model's files with size and time of
// change.
bool lw_merge_resume_key(struct lw_string *key, const struct lw_merge_plan *plan,
    const struct lw_merge_run_params *params, struct lw_error *error);

#endif
