// SPDX-License-Identifier: Apache-2.0
// The texts of each tool format. Private: tool_format.c reads the JSON and calls these.
#ifndef LW_TEXT_TOOL_TEXT_H
#define LW_TEXT_TOOL_TEXT_H

#include "engine/text/python_json.h"

// Appends the description of a JSON array of objects that is not empty.
bool lw_tools_describe_default(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error);
bool lw_tools_describe_llama3(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error);
bool lw_tools_describe_mistral(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error);
bool lw_tools_describe_qwen(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error);

// Appends one call.
bool lw_tools_call_default(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error);
bool lw_tools_call_llama3(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error);
bool lw_tools_call_mistral(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error);
bool lw_tools_call_qwen(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error);

#endif
