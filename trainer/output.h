// SPDX-License-Identifier: Apache-2.0
// The output folder at the start of a run: what may already be there, and where to go on from.
#ifndef LW_TRAINER_OUTPUT_H
#define LW_TRAINER_OUTPUT_H

#include <stddef.h>

#include "engine/base/error.h"

struct lw_recipe;

// Creates recipe->output_dir where needed and records the recipe in it. `resumed` gets the
// checkpoint to go on from (resume_from_checkpoint, else the newest), or "". A folder with other
// people's files and no checkpoint is LW_BAD_INPUT, unless overwrite_output_dir is set, which
// removes the old run's checkpoints and log.
bool lw_output_prepare(
    const struct lw_recipe *recipe, char *resumed, size_t size, struct lw_error *error);

#endif
