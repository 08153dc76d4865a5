// SPDX-License-Identifier: Apache-2.0
// The table of chat templates. Private: template_rows.c holds it; template.c, elements.c and the
// tool formats read it.
#ifndef LW_TEXT_TEMPLATE_ROWS_H
#define LW_TEXT_TEMPLATE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

// How tools are described and called (tool_format.c).
enum lw_tool_format {
    LW_TOOLS_DEFAULT,
    LW_TOOLS_LLAMA3,
    LW_TOOLS_MISTRAL,
    LW_TOOLS_PHI4_MINI,
    LW_TOOLS_QWEN
};

// A message is a list of elements, each tokenised by itself; NULL ends the list. "{bos}" and "{eos}"
// stand for these tokens of the tokenizer; in one element {content} stands for the message's text.
enum { LW_MOST_ELEMENTS = 4 };
typedef const char *lw_elements[LW_MOST_ELEMENTS];

struct lw_template {
    const char *name;
    bool begins_with_bos; // where the tokenizer has one
    bool system_in_user;  // the system prompt is put before the text of the first user message
    bool thinks;          // responses begin with a thought (LLaMA-Factory: ReasoningTemplate)
    bool replace_eos;     // the stop word becomes the tokenizer's end of a sequence
    lw_elements system;
    lw_elements user;        // ends in the assistant's header
    lw_elements observation; // likewise; none: as user
    lw_elements assistant;
    lw_elements function; // none: as assistant
    const char *default_system;
    const char *stop_word; // NULL: the tokenizer's end of a sequence
    enum lw_tool_format tool_format;
};

extern const struct lw_template lw_template_rows[];
extern const size_t lw_template_row_count;

#endif
