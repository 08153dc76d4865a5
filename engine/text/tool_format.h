// SPDX-License-Identifier: Apache-2.0
// Tools in conversations: their description in the system prompt and the calls in a response, as
// LLaMA-Factory writes them (src/llamafactory/data/{tool_utils,formatter}.py).
#ifndef LW_TEXT_TOOL_FORMAT_H
#define LW_TEXT_TOOL_FORMAT_H

#include "engine/base/stringbuf.h"
#include "engine/text/conversation.h"
#include "engine/text/template_rows.h"

// Appends the description of `tools`, a JSON array of objects. LW_BAD_INPUT when it is none or the
// template (`name`, for the message) has no format for tools.
bool lw_tool_format_describe(enum lw_tool_format format, const char *name, const char *tools,
    struct lw_string *out, struct lw_error *error);

// Appends the calls of a function message: JSON, one object {"name", "arguments"} or an array of
// them, with a thought before or after it that is kept in front.
bool lw_tool_format_calls(enum lw_tool_format format, const char *name,
    const struct lw_message *message, struct lw_string *out, struct lw_error *error);

#endif
