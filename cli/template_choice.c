// SPDX-License-Identifier: Apache-2.0
// Choosing a template. See template_choice.h.
#include "cli/template_choice.h"

#include <stdio.h>

#include "engine/text/recognise.h"

bool lw_cli_choose_template(const struct lw_template **chosen, const char *name,
    const char *model_folder, struct lw_error *error)
{
    if (!lw_template_choose(chosen, name, model_folder, error)) {
        return false;
    }
    if (!name) {
        fprintf(
            stderr, "template  %s, recognised from %s\n", lw_template_name(*chosen), model_folder);
    }
    return true;
}

bool lw_cli_thinking(const char *text, enum lw_thinking *thinking, struct lw_error *error)
{
    *thinking = LW_THINKING_ON;
    return !text || lw_thinking_parse(text, thinking) ||
           lw_fail(error, LW_USAGE, "--enable-thinking is true, false or null, not \"%s\"", text);
}
