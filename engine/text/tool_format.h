// SPDX-License-Identifier: Apache-2.0
// Tools in conversations: their description in the system prompt and the calls in a response, as
// LLaMA-Factory writes them (src/llamafactory/data/{tool_utils,formatter}.py).
#ifndef LW_TEXT_TOOL_FORMAT_H
#define LW_TEXT_TOOL_FORMAT_H

#include "engine/base/stringbuf.h"
#include "engine/text/template_rows.h"

// Appends the description of `tools`, a JSON array of objects; nothing for an empty one.
// LW_BAD_INPUT when it is none, or a tool lacks what the format tells of it. llama3's names a date:
// `date`, or the day of the call where that is NULL.
bool lw_tool_format_describe(enum lw_tool_format format, const char *tools, const char *date,
    struct lw_string *out, struct lw_error *error);

// Appends the calls of a function message: JSON, one object {"name", "arguments"} or an array of
// them, with a thought before or after it that is kept in front where the template takes thoughts.
bool lw_tool_format_calls(enum lw_tool_format format, const char *text, size_t length,
    bool takes_thoughts, struct lw_string *out, struct lw_error *error);

#endif
