// SPDX-License-Identifier: Apache-2.0
// What a merged model's folder says of itself: the recipe, and the model card that the Hugging Face Hub
// shows. Called by side_files.c.
#ifndef LW_MERGER_CARD_H
#define LW_MERGER_CARD_H

#include "merger/plan.h"

// The recipe's file as it was read, under the name that mergekit gives it and that others look for.
#define LW_MERGE_RECIPE_FILE "mergekit_config.yml"

// Writes README.md (front matter with the parents, method, models, recipe) and the recipe.
bool lw_merge_write_card(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
