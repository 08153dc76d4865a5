// SPDX-License-Identifier: Apache-2.0
// The template that a command works with: the one of its flag --template, or the model's own.
#ifndef LW_CLI_TEMPLATE_CHOICE_H
#define LW_CLI_TEMPLATE_CHOICE_H

#include "engine/text/template.h"

// The template `name`, or where that is NULL the one recognised from the model's folder, which is
// then said on stderr.
bool lw_cli_choose_template(const struct lw_template **chosen, const char *name,
    const char *model_folder, struct lw_error *error);

// What --enable-thinking says; NULL is true. LW_USAGE for another word.
bool lw_cli_thinking(const char *text, enum lw_thinking *thinking, struct lw_error *error);

#endif
