// SPDX-License-Identifier: Apache-2.0
// LLaMA-Factory's names of columns and tags. See record_format.h.
#include "trainer/data/record_format.h"

struct lw_record_format lw_record_format_default(enum lw_record_layout layout)
{
    return (struct lw_record_format){.layout = layout,
        .prompt = "instruction",
        .query = "input",
        .response = "output",
        .messages = "conversations",
        .role_tag = "from",
        .content_tag = "value",
        .user_tag = "human",
        .assistant_tag = "gpt",
        .observation_tag = "observation",
        .function_tag = "function_call",
        .system_tag = "system"};
}
