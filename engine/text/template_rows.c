// SPDX-License-Identifier: Apache-2.0
// The chat templates, as LLaMA-Factory registers them (src/llamafactory/data/template.py).
#include "engine/text/template_rows.h"

#define CHATML_SYSTEM "<|im_start|>system\n{content}<|im_end|>\n"
#define CHATML_USER "<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
#define CHATML_OBSERVATION                                                                         \
    "<|im_start|>user\n<tool_response>\n{content}\n</tool_response><|im_end|>\n"                   \
    "<|im_start|>assistant\n"
#define CHATML_ASSISTANT "{content}<|im_end|>\n"

#define LLAMA3_HEADER(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"

const struct lw_template lw_template_rows[] = {
    {
        .name = "qwen",
        .system = CHATML_SYSTEM,
        .user = CHATML_USER,
        .observation = CHATML_OBSERVATION,
        .assistant = CHATML_ASSISTANT,
        .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
        .stop_word = "<|im_end|>",
        .tool_format = LW_TOOLS_QWEN,
    },
    {
        .name = "qwen3_nothink",
        .system = CHATML_SYSTEM,
        .user = CHATML_USER,
        .observation = CHATML_OBSERVATION,
        .assistant = CHATML_ASSISTANT,
        .default_system = "",
        .stop_word = "<|im_end|>",
        .tool_format = LW_TOOLS_QWEN,
    },
    {
        .name = "llama3",
        .begins_with_bos = true,
        .system = LLAMA3_HEADER("system") "{content}<|eot_id|>",
        .user = LLAMA3_HEADER("user") "{content}<|eot_id|>" LLAMA3_HEADER("assistant"),
        .observation = LLAMA3_HEADER("ipython") "{content}<|eot_id|>" LLAMA3_HEADER("assistant"),
        .assistant = "{content}<|eot_id|>",
        .default_system = "",
        .stop_word = "<|eot_id|>",
        .tool_format = LW_TOOLS_NONE,
    },
};

const size_t lw_template_row_count = sizeof lw_template_rows / sizeof *lw_template_rows;
