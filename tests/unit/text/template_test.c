// SPDX-License-Identifier: Apache-2.0
// Templates: conversations they refuse, memory reused and lacking. That the ids are right is tested
// by tests/golden/template.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"
#include "engine/text/tokenizer_parts.h"
#include "tests/unit/text/small.h"

static const struct lw_template_options plain;

struct text {
    enum lw_role role;
    const char *text;
};

static void converse(
    struct lw_conversation *conversation, const char *tools, const struct text *texts, size_t count)
{
    struct lw_error error = {0};
    lw_conversation_clear(conversation);
    if (tools) {
        conversation->tools = lw_strdup(tools, &error);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(lw_conversation_add(
            conversation, texts[i].role, texts[i].text, strlen(texts[i].text), &error));
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_null(lw_template_find("nothing"));
    size_t count = 0;
    for (const char *name; (name = lw_template_name_at(count)); count++) {
        assert_string_equal(lw_template_name(lw_template_find(name)), name);
    }
    assert_true(count >= 3);
}

// The small tokenizer with Llama's end of turn added.
static struct lw_tokenizer *tokenizer_with_eot(void)
{
    struct lw_tokenizer *tokenizer;
    struct lw_error error = {0};
    cJSON *json = small_json();
    cJSON *added = cJSON_GetObjectItemCaseSensitive(json, "added_tokens");
    assert_true(cJSON_AddItemToArray(
        added, cJSON_Parse("{\"id\":488,\"content\":\"<|eot_id|>\",\"special\":true}")));
    assert_true(lw_tokenizer_build(&tokenizer, json, &error));
    cJSON_Delete(json);
    return tokenizer;
}

static void test_no_stop_word(void **state)
{
    static const struct text texts[] = {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}};
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_conversation conversation = {0};
    struct lw_turns turns = {0};
    struct lw_error error = {0};
    (void)state;
    converse(&conversation, NULL, texts, 2);
    assert_false(lw_template_encode(
        lw_template_find("llama3"), tokenizer, &conversation, &plain, &turns, &error));
    small_expect(&error, LW_BAD_INPUT, "llama3 needs the token <|eot_id|>");
    lw_conversation_clear(&conversation);
    lw_turns_free(&turns);
    lw_tokenizer_close(tokenizer);
}

static void test_refused(void **state)
{
    static const struct {
        const char *chat_template, *tools;
        struct text texts[2];
        size_t count;
        const char *words;
    } cases[] = {
        {"qwen", NULL, {{LW_ROLE_USER, "a"}}, 1, "does not end with a response"},
        {"qwen", NULL, {{LW_ROLE_ASSISTANT, "a"}, {LW_ROLE_USER, "b"}}, 2,
            "Message 1 of a conversation is of the role \"assistant\""},
        {"qwen", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_USER, "b"}}, 2, "Message 2"},
        {"qwen", NULL, {{LW_ROLE_SYSTEM, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "\"system\""},
        {"qwen", NULL, {{LW_ROLE_USER, "a\xFF"}, {LW_ROLE_ASSISTANT, "b"}}, 2,
            "Message 1 of a conversation: The text is not UTF-8"},
        {"qwen", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_FUNCTION, "run it"}}, 2,
            "Message 2 of a conversation: A function call: The JSON text is wrong at byte 0"},
        {"qwen", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_FUNCTION, "{\"name\":1}"}}, 2,
            "\"arguments\""},
        {"qwen", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_FUNCTION, "[[1]]"}}, 2, "\"name\""},
        {"qwen", "{}", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "JSON array"},
        {"qwen", "[1]", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "JSON object"},
        {"qwen", "[", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2,
            "The system prompt of a conversation: The tools"},
        {"llama3", "[1]", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "JSON object"},
        {"llama3", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_FUNCTION, "{}"}}, 2, "\"name\""},
        {"smollm", "[{}]", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2,
            "A tool needs a \"name\""},
        {"smollm", "[{\"name\":\"f\"}]", {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2,
            "\"properties\""},
        {"smollm", "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"type\":[]}}}}]",
            {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "type of a tool's parameter"},
        {"smollm", "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"enum\":[1]}}}}]",
            {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "an enum of texts"},
        {"smollm",
            "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"enum\":{\"b\":\"c\"}}}}}]",
            {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "an enum of texts"},
        {"smollm", "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"enum\":\"bc\"}}}}]",
            {{LW_ROLE_USER, "a"}, {LW_ROLE_ASSISTANT, "b"}}, 2, "an enum of texts"},
        {"smollm", NULL, {{LW_ROLE_USER, "a"}, {LW_ROLE_FUNCTION, "{\"name\":1,\"arguments\":1}"}},
            2, "\"name\" of a function call"},
    };
    struct lw_tokenizer *tokenizer = tokenizer_with_eot();
    struct lw_conversation conversation = {0};
    struct lw_turns turns = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error error = {0};
        converse(&conversation, cases[i].tools, cases[i].texts, cases[i].count);
        assert_false(lw_template_encode(lw_template_find(cases[i].chat_template), tokenizer,
            &conversation, &plain, &turns, &error));
        small_expect(&error, LW_BAD_INPUT, cases[i].words);
    }
    lw_conversation_clear(&conversation);
    lw_turns_free(&turns);
    lw_tokenizer_close(tokenizer);
}

static const struct text four[] = {{LW_ROLE_USER, "Hi"},
    {LW_ROLE_FUNCTION, "{\"name\":\"f\","
                       "\"arguments\":{}}"},
    {LW_ROLE_OBSERVATION, "1"}, {LW_ROLE_ASSISTANT, "One {{idx}}"}};

static void test_prompt_is_what_training_reads(void **state)
{
    const struct lw_template *qwen = lw_template_find("qwen");
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_conversation conversation = {0};
    struct lw_turns turns = {0};
    struct lw_tokens prompt = {0}, read = {0};
    struct lw_error error = {0};
    (void)state;
    converse(&conversation, "[{}]", four, 4);
    assert_true(lw_template_encode(qwen, tokenizer, &conversation, &plain, &turns, &error));
    assert_int_equal(turns.count, 2);
    conversation.count = 3;
    assert_true(lw_template_encode_prompt(qwen, tokenizer, &conversation, &plain, &prompt, &error));
    const struct lw_tokens *parts[] = {
        &turns.items[0].source, &turns.items[0].target, &turns.items[1].source};
    for (int i = 0; i < 3; i++) {
        assert_true(lw_tokens_append(&read, parts[i]->ids, parts[i]->count, &error));
    }
    assert_int_equal(prompt.count, read.count);
    assert_memory_equal(prompt.ids, read.ids, read.count * sizeof *read.ids);
    conversation.count = 4;
    assert_false(
        lw_template_encode_prompt(qwen, tokenizer, &conversation, &plain, &prompt, &error));
    small_expect(&error, LW_BAD_INPUT, "message to answer");
    assert_int_equal(prompt.count, read.count);
    conversation.count = 0;
    assert_true(lw_template_encode(qwen, tokenizer, &conversation, &plain, &turns, &error));
    assert_int_equal(turns.count, 0);
    conversation.count = 4;
    lw_conversation_clear(&conversation);
    lw_turns_free(&turns);
    lw_tokens_free(&prompt);
    lw_tokens_free(&read);
    lw_tokenizer_close(tokenizer);
}

static void run_out_of_memory(const char *name, const struct lw_template_options *options)
{
    static const struct text texts[] = {{LW_ROLE_USER, "Hi {{idx}}"},
        {LW_ROLE_FUNCTION, "<think>\nWhy?\n</think>\n\n"
                           "[{\"name\":\"f\",\"arguments\":{}}, {\"name\":\"g\",\"arguments\":1}]"},
        {LW_ROLE_OBSERVATION, "1"}, {LW_ROLE_ASSISTANT, "One."}};
    static const char tools[] = "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":"
                                "{\"type\":\"string\",\"enum\":[\"x\"]}},\"required\":[\"a\"]}}]";
    const struct lw_template *row = lw_template_find(name);
    struct lw_tokenizer *tokenizer = tokenizer_with_eot();
    struct lw_conversation conversation = {0};
    struct lw_turns turns = {0};
    struct lw_tokens prompt = {0};
    bool done = false;
    converse(&conversation, tools, texts, 4);
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        lw_turns_free(&turns);
        lw_tokens_free(&prompt);
        lw_memory_fail_after(successes);
        done = lw_template_encode(row, tokenizer, &conversation, options, &turns, &error);
        conversation.count = 3;
        done = done &&
               lw_template_encode_prompt(row, tokenizer, &conversation, options, &prompt, &error);
        conversation.count = 4;
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
    }
    lw_conversation_clear(&conversation);
    lw_turns_free(&turns);
    lw_tokens_free(&prompt);
    lw_tokenizer_close(tokenizer);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    run_out_of_memory("qwen", &plain);
    run_out_of_memory("qwen3", &(struct lw_template_options){.mark_ends = true});
    run_out_of_memory("qwen3", &(struct lw_template_options){.thinking = LW_THINKING_OFF});
    run_out_of_memory("llama3", &plain);
    run_out_of_memory("smollm", &plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_stop_word),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_prompt_is_what_training_reads),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
