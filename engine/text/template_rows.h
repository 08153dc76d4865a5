// SPDX-License-Identifier: Apache-2.0
// The table of chat templates. Private: template_rows.c holds it, template.c reads it.
#ifndef LW_TEXT_TEMPLATE_ROWS_H
#define LW_TEXT_TEMPLATE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

// How tools are described and called.
enum lw_tool_format {
    LW_TOOLS_NONE, // conversations with tools are refused
    LW_TOOLS_QWEN
};

// In each element {content} stands once for the message's text.
struct lw_template {
    const char *name;
    bool begins_with_bos; // where the tokenizer has one
    const char *system;
    const char *user;        // ends in the assistant's header
    const char *observation; // likewise
    const char *assistant;   // also a function call
    const char *default_system;
    const char *stop_word;
    enum lw_tool_format tool_format;
};

extern const struct lw_template lw_template_rows[];
extern const size_t lw_template_row_count;

#endif
