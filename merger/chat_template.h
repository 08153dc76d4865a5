// SPDX-License-Identifier: Apache-2.0
// The chat template that a recipe gives the result. Called by plan.c and side_files.c.
#ifndef LW_MERGER_CHAT_TEMPLATE_H
#define LW_MERGER_CHAT_TEMPLATE_H

#include "merger/plan.h"

// Sets the plan's chat template to the recipe's: a Jinja text, "chatml", or "auto": the one that most
// of the models have, the first of those that are as frequent. It stays NULL where that is the first
// parent's. LW_USAGE: what is none of these.
bool lw_merge_chat_template(struct lw_merge_plan *plan, struct lw_error *error);

// Writes it, where there is one: as chat_template.jinja, which transformers reads first, and into the
// tokenizer_config.json, which older versions read.
bool lw_merge_write_chat_template(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
