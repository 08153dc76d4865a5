// SPDX-License-Identifier: Apache-2.0
// What stands beside the tensors of a merged model. Called by run.c.
#ifndef LW_MERGER_SIDE_FILES_H
#define LW_MERGER_SIDE_FILES_H

#include "merger/plan.h"

// Writes the model card, the recipe, and the plan's config.json and chat template, where they are not the first parent's, and copies
// that one's other files: generation config, tokenizer and the like.
bool lw_merge_write_side_files(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
