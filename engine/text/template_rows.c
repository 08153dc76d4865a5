// SPDX-License-Identifier: Apache-2.0
// The chat templates, as LLaMA-Factory registers them (src/llamafactory/data/template.py).
#include "engine/text/template_rows.h"

#define PLAIN                                                                                      \
    {                                                                                              \
        "{content}"                                                                                \
    }
#define ENDED_BY_EOS                                                                               \
    {                                                                                              \
        "{content}", "{eos}"                                                                       \
    }

#define CHATML_USER "<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
// Members of every row of that family.
#define CHATML                                                                                     \
    .system = {"<|im_start|>system\n{content}<|im_end|>\n"}, .user = {CHATML_USER},                \
    .assistant = {"{content}<|im_end|>\n"}, .stop_word = "<|im_end|>"
#define QWEN                                                                                       \
    CHATML, .replace_eos = true, .tool_format = LW_TOOLS_QWEN,                                     \
            .observation = {"<|im_start|>user\n<tool_response>\n{content}\n</tool_response>"       \
                            "<|im_end|>\n<|im_start|>assistant\n"}

#define LLAMA3_HEADER(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"

// The two tokenizers of Mistral differ in the space after the words in brackets.
#define MISTRAL(space)                                                                             \
    .begins_with_bos = true, .system_in_user = true, .tool_format = LW_TOOLS_MISTRAL,              \
    .system = {"{content}\n\n"}, .user = {"[INST]" space "{content}[/INST]"},                      \
    .observation = {"[TOOL_RESULTS]" space "{\"content\": {content}}[/TOOL_RESULTS]"},             \
    .assistant = {space "{content}", "{eos}"},                                                     \
    .function = {"[TOOL_CALLS]" space "{content}", "{eos}"}

const struct lw_template lw_template_rows[] = {
    {
        .name = "qwen",
        QWEN,
        .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    },
    {.name = "qwen3", QWEN, .thinks = true, .default_system = ""},
    {.name = "qwen3_nothink", QWEN, .default_system = ""},
    {
        .name = "llama3",
        .begins_with_bos = true,
        .system = {LLAMA3_HEADER("system") "{content}<|eot_id|>"},
        .user = {LLAMA3_HEADER("user") "{content}<|eot_id|>" LLAMA3_HEADER("assistant")},
        .observation = {LLAMA3_HEADER("ipython") "{content}<|eot_id|>" LLAMA3_HEADER("assistant")},
        .assistant = {"{content}<|eot_id|>"},
        .default_system = "",
        .stop_word = "<|eot_id|>",
        .replace_eos = true,
        .tool_format = LW_TOOLS_LLAMA3,
    },
    {
        .name = "phi", // Phi-3 and Phi-3.5
        .system = {"<|system|>\n{content}<|end|>\n"},
        .user = {"<|user|>\n{content}<|end|>\n<|assistant|>\n"},
        .assistant = {"{content}<|end|>\n"},
        .default_system = "",
        .stop_word = "<|end|>",
        .replace_eos = true,
    },
    {
        .name = "phi4",
        .system = {"<|im_start|>system<|im_sep|>{content}<|im_end|>"},
        .user = {"<|im_start|>user<|im_sep|>{content}<|im_end|><|im_start|>assistant<|im_sep|>"},
        .assistant = {"{content}<|im_end|>"},
        .default_system = "",
        .stop_word = "<|im_end|>",
        .replace_eos = true,
    },
    {
        .name = "phi4_mini",
        .system = {"<|system|>{content}<|end|>"},
        .user = {"<|user|>{content}<|end|><|assistant|>"},
        .assistant = {"{content}<|end|>"},
        .default_system = "",
        .stop_word = "<|end|>",
        .replace_eos = true,
        .tool_format = LW_TOOLS_PHI4_MINI,
    },
    {
        .name = "llama2",
        .system_in_user = true,
        .system = {"<<SYS>>\n{content}\n<</SYS>>\n\n"},
        .user = {"{bos}", "[INST] {content} [/INST]"},
        .assistant = ENDED_BY_EOS,
        .default_system = "",
    },
    {.name = "mistral", MISTRAL(" "), .default_system = ""},  // Mistral 7B
    {.name = "ministral", MISTRAL(""), .default_system = ""}, // Ministral and Nemo
    {.name = "smollm", CHATML, .default_system = ""},
    {
        .name = "smollm2",
        CHATML,
        .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face.",
    },
    {
        .name = "chatml",
        CHATML,
        .observation = {"<|im_start|>tool\n{content}<|im_end|>\n<|im_start|>assistant\n"},
        .default_system = "",
        .replace_eos = true,
    },
    {
        .name = "deepseek",
        .begins_with_bos = true,
        .system = {"{content}\n\n"},
        .user = {"User: {content}\n\nAssistant:"},
        .assistant = ENDED_BY_EOS,
        .default_system = "",
    },
    {
        .name = "deepseekr1", // also the models distilled from it
        .begins_with_bos = true,
        .thinks = true,
        .system = PLAIN,
        .user = {"<｜User｜>{content}<｜Assistant｜>"},
        .assistant = ENDED_BY_EOS,
        .default_system = "",
    },
    {
        .name = "alpaca",
        .system = PLAIN,
        .user = {"### Instruction:\n{content}\n\n### Response:\n"},
        .assistant = {"{content}", "{eos}", "\n\n"},
        .default_system = "Below is an instruction that describes a task. Write a response that "
                          "appropriately completes the request.\n\n",
    },
    {
        .name = "default",
        .system = {"System: {content}", "{eos}", "\n"},
        .user = {"Human: {content}", "{eos}", "\nAssistant:"},
        .assistant = {"{content}", "{eos}", "\n"},
        .default_system = "",
    },
    {
        .name = "empty",
        .system = PLAIN,
        .user = PLAIN,
        .assistant = PLAIN,
        .default_system = "",
    },
};

const size_t lw_template_row_count = sizeof lw_template_rows / sizeof *lw_template_rows;
