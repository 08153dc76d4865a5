// SPDX-License-Identifier: Apache-2.0
// Tools are refused by name.
#include "engine/text/tool_format.h"

bool lw_tool_format_describe(enum lw_tool_format format, const char *name, const char *tools,
    struct lw_string *out, struct lw_error *error)
{
    (void)format, (void)tools, (void)out;
    return lw_fail(error, LW_BAD_INPUT, "The template %s does not support tools yet.", name);
}

bool lw_tool_format_calls(enum lw_tool_format format, const char *name,
    const struct lw_message *message, struct lw_string *out, struct lw_error *error)
{
    (void)format, (void)message, (void)out;
    return lw_fail(
        error, LW_BAD_INPUT, "The template %s does not support function calls yet.", name);
}
