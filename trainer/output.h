// SPDX-License-Identifier: Apache-2.0
// The output folder at the start of a run: what may already be there, and where to go on from.
#ifndef LW_TRAINER_OUTPUT_H
#define LW_TRAINER_OUTPUT_H

#include <stddef.h>

#include "engine/base/error.h"

struct lw_file;
struct lw_recipe;

// Creates recipe->output_dir where needed and makes sure that it can be written to; what it holds
// stays as it is. `resumed` gets the checkpoint to go on from (resume_from_checkpoint, else the
// newest), or "". A folder with files that are no run's, or with a finished model and no
// checkpoint, is LW_BAD_INPUT, unless overwrite_output_dir is set.
// `lock` keeps a second run out of the folder until lw_output_unlock, which is called after a failure
// too.
bool lw_output_prepare(const struct lw_recipe *recipe, char *resumed, size_t size,
    struct lw_file **lock, struct lw_error *error);
void lw_output_unlock(struct lw_file *lock); // NULL: nothing

// Once nothing stands in the way of the first step: removes what an interrupted run left
// unfinished and, with overwrite_output_dir, an earlier run's checkpoints, log and chart, and
// records the recipe. An earlier model stays until the new one replaces it.
bool lw_output_begin(const struct lw_recipe *recipe, struct lw_error *error);

#endif
