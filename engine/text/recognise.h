// SPDX-License-Identifier: Apache-2.0
// Which template a model was made for, told from its folder: the chat template that came with it
// (chat_template.jinja, tokenizer_config.json or chat_template.json) and model_type in config.json.
#ifndef LW_TEXT_RECOGNISE_H
#define LW_TEXT_RECOGNISE_H

#include "engine/text/template.h"

// The template called `name`, or where that is NULL the one that the folder's files fit. LW_USAGE
// for a name that there is not, LW_BAD_INPUT when nothing fits or a file is damaged; both messages
// list the names.
bool lw_template_choose(const struct lw_template **chosen, const char *name,
    const char *model_folder, struct lw_error *error);

#endif
