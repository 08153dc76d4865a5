// SPDX-License-Identifier: Apache-2.0
// Recognising templates: words as the released models' chat templates have them, in each of the files
// that may hold them, and what fits nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/folder.h"
#include "engine/text/recognise.h"
#include "tests/unit/text/small.h"

static const char folder[] = "recognise_test.tmp";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    remove(path);
    if (text) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
}

// The folder with these files and no others.
static void fill(const char *config, const char *tokenizer_config, const char *jinja)
{
    write_file("config.json", config);
    write_file("tokenizer_config.json", tokenizer_config);
    write_file("chat_template.jinja", jinja);
    write_file("chat_template.json", NULL);
}

#define TYPE(name) "{\"model_type\": \"" name "\"}"

static void test_families(void **state)
{
    static const struct {
        const char *name, *config, *jinja;
    } cases[] = {
        {"qwen", TYPE("qwen2"), "'<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud."},
        {"qwen3", TYPE("qwen3"), "<|im_start|> {%- if enable_thinking %} '<think>\\n\\n</think>'"},
        {"qwen3", NULL, "<|im_start|> {%- if enable_thinking %} '<think>\\n\\n</think>'"},
        {"qwen3_nothink", TYPE("qwen3"), "{{- '<|im_start|>' + message.role + '\\n' + content }}"},
        {"llama3", TYPE("llama"),
            "'<|start_header_id|>' + role + '<|end_header_id|>' '<|eot_id|>'"},
        {"phi", TYPE("phi3"), "{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"},
        {"phi", TYPE("phi3"), "{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}"},
        {"phi", TYPE("phi3"), "{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n'}}"},
        {"phi4_mini", TYPE("phi3"),
            "'<|' + role + '|>' + content + '<|tool|>' + tools + "
            "'<|/tool|>' + '<|end|>'"},
        {"phi4", TYPE("phi3"), "'<|im_start|>user<|im_sep|>' + content + '<|im_end|>'"},
        {"llama2", TYPE("llama"), "'<<SYS>>\\n' '[INST] ' + content + ' [/INST]'"},
        {"mistral", TYPE("mistral"), "\"[INST] \" + content + \"[/INST]\""},
        {"ministral", TYPE("mistral"), "\"[INST]\" + content + \"[/INST]\""},
        {"deepseekr1", TYPE("qwen2"), "'<｜User｜>' '<｜Assistant｜>' content.split('</think>')"},
        {"deepseek", TYPE("llama"), "'User: ' + content + 'Assistant: '"},
        {"smollm2", TYPE("llama"),
            "<|im_start|>You are a helpful AI assistant named SmolLM, "
            "trained by Hugging Face<|im_end|>"},
        {"chatml", TYPE("llama"), "'<|im_start|>' + role + '\\n' + content + '<|im_end|>'"},
        {NULL, TYPE("qwen2"), "'<|im_start|>' 'You are someone else.' '<|im_end|>'"},
        {NULL, TYPE("qwen2"), "'<|im_start|>' '<think>' '<|im_end|>'"},
        {NULL, TYPE("qwen2"), "'<|im_start|>' 'Please reason step by step.' '<|im_end|>'"},
        {NULL, TYPE("phi3"), "'Your name is Phi' '<|tool|>' '<|/tool|>' '<|end|>'"},
        {NULL, TYPE("phi3"), "'<|' + message['role'] + '|>' + content + '<|end|>'"},
        {NULL, TYPE("mistral"), "'[SYSTEM_PROMPT]' '[INST]' '[/INST]'"},
        {NULL, TYPE("llama"), NULL},
        {NULL, "[]", "<|im_start|>"},
        {NULL, "{\"model_type\": 3}", "<|im_start|>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct lw_template *chosen;
        struct lw_error error = {0};
        fill(cases[i].config, NULL, cases[i].jinja);
        bool done = lw_template_choose(&chosen, NULL, folder, &error);
        assert_int_equal(done, cases[i].name != NULL);
        if (done) {
            assert_string_equal(lw_template_name(chosen), cases[i].name);
        } else {
            assert_int_equal(error.status, LW_BAD_INPUT);
            assert_non_null(strstr(error.message, "recognise_test.tmp"));
        }
    }
}

static void test_files(void **state)
{
    static const char other[] = "{\"chat_template\": \"'[INST]' '[/INST]'\"}";
    static const char listed[] =
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"[INST] [/INST]\"}, "
        "{\"name\": \"default\", \"template\": \"<|start_header_id|> <|eot_id|>\"}]}";
    const struct lw_template *chosen;
    struct lw_error error = {0};
    (void)state;
    fill(TYPE("llama"), listed, NULL);
    assert_true(lw_template_choose(&chosen, NULL, folder, &error));
    assert_string_equal(lw_template_name(chosen), "llama3");
    // The file of its own is the newer place.
    fill(TYPE("mistral"), listed, "[INST] [/INST]");
    assert_true(lw_template_choose(&chosen, NULL, folder, &error));
    assert_string_equal(lw_template_name(chosen), "mistral");
    fill(TYPE("mistral"), "{}", NULL);
    write_file("chat_template.json", other);
    assert_true(lw_template_choose(&chosen, NULL, folder, &error));
    assert_string_equal(lw_template_name(chosen), "ministral");
    fill(TYPE("mistral"), "{", NULL);
    assert_false(lw_template_choose(&chosen, NULL, folder, &error));
    small_expect(&error, LW_BAD_INPUT, "tokenizer_config.json");
    fill(TYPE("mistral"), "{}", NULL);
    assert_false(lw_template_choose(&chosen, NULL, folder, &error));
    small_expect(&error, LW_BAD_INPUT, "no chat template to recognise; say which template");
}

static void test_names(void **state)
{
    const struct lw_template *chosen;
    struct lw_error error = {0};
    (void)state;
    assert_true(lw_template_choose(&chosen, "llama2", NULL, &error));
    assert_string_equal(lw_template_name(chosen), "llama2");
    assert_false(lw_template_choose(&chosen, "llama", NULL, &error));
    small_expect(&error, LW_USAGE, "no \"llama\"; known: qwen, qwen3, qwen3_nothink, llama3, phi");
}

static int make_folder(void **state)
{
    struct lw_error error = {0};
    (void)state;
    return lw_folder_create(folder, &error) ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    fill(NULL, NULL, NULL);
    return remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
