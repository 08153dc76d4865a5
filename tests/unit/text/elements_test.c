// SPDX-License-Identifier: Apache-2.0
// Every template against tests/data/chat_templates/elements.json (made by the Python program beside
// it): the ids of a turn must be those of the elements that LLaMA-Factory tokenises one by one, with
// tools, calls and thoughts under every option.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/json.h"
#include "engine/text/template.h"
#include "engine/text/tokenizer_parts.h"
#include "tests/unit/text/small.h"

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static cJSON *read_vectors(void)
{
    char path[1024];
    struct lw_error error = {0};
    snprintf(path, sizeof path, "%s/chat_templates/elements.json", getenv("LEWIN_TEST_DATA"));
    cJSON *json = lw_json_read(path, NULL, &error);
    assert_non_null(json);
    return json;
}

// The small tokenizer with the special tokens of all templates.
static struct lw_tokenizer *tokenizer_for_all(void)
{
    static const char *const more[] = {"<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>",
        "<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<s>", "</s>", "<think>"};
    struct lw_tokenizer *tokenizer;
    struct lw_error error = {0};
    char token[128];
    cJSON *json = small_json();
    cJSON *added = cJSON_GetObjectItemCaseSensitive(json, "added_tokens");
    for (int i = 0; i < (int)(sizeof more / sizeof *more); i++) {
        snprintf(token, sizeof token, "{\"id\":%d,\"content\":\"%s\",\"special\":true}", 488 + i,
            more[i]);
        assert_true(cJSON_AddItemToArray(added, cJSON_Parse(token)));
    }
    assert_true(lw_tokenizer_build(&tokenizer, json, &error));
    cJSON_Delete(json);
    tokenizer->bos = lw_tokenizer_token_id(tokenizer, "<s>");
    tokenizer->eos = lw_tokenizer_token_id(tokenizer, "</s>");
    return tokenizer;
}

static enum lw_role role_of(const char *name)
{
    static const char *const names[] = {[LW_ROLE_USER] = "user",
        [LW_ROLE_ASSISTANT] = "assistant",
        [LW_ROLE_OBSERVATION] = "observation",
        [LW_ROLE_FUNCTION] = "function_call"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i] && strcmp(names[i], name) == 0) {
            return (enum lw_role)i;
        }
    }
    fail_msg("no role %s", name);
    return LW_ROLE_SYSTEM;
}

static void read_conversation(
    struct lw_conversation *conversation, const cJSON *vectors, const char *name)
{
    struct lw_error error = {0};
    const cJSON *found = member(vectors, "conversations")->child;
    while (strcmp(member(found, "name")->valuestring, name) != 0) {
        found = found->next;
    }
    const cJSON *system = member(found, "system"), *tools = member(found, "tools");
    lw_conversation_clear(conversation);
    conversation->system = cJSON_IsString(system) ? lw_strdup(system->valuestring, &error) : NULL;
    conversation->tools = cJSON_IsString(tools) ? lw_strdup(tools->valuestring, &error) : NULL;
    for (const cJSON *message = member(found, "messages")->child; message;
         message = message->next) {
        const char *text = message->child->next->valuestring;
        assert_true(lw_conversation_add(
            conversation, role_of(message->child->valuestring), text, strlen(text), &error));
    }
}

static struct lw_template_options read_options(const cJSON *json, const char *date)
{
    const cJSON *thinking = member(json, "enable_thinking");
    return (struct lw_template_options){.thinking = cJSON_IsFalse(thinking)  ? LW_THINKING_OFF
                                                    : cJSON_IsNull(thinking) ? LW_THINKING_UNSET
                                                                             : LW_THINKING_ON,
        .mask_history = cJSON_IsTrue(member(json, "mask_history")),
        .preserve_thinking = cJSON_IsTrue(member(json, "preserve_thinking")),
        .tools_date = date};
}

// The ids of the elements, one by one.
static void encode_elements(
    const struct lw_tokenizer *tokenizer, const cJSON *elements, struct lw_tokens *out)
{
    struct lw_error error = {0};
    lw_tokens_clear(out);
    for (const cJSON *element = elements->child; element; element = element->next) {
        if (cJSON_IsObject(element)) {
            bool bos = strcmp(element->child->valuestring, "bos") == 0;
            assert_true(lw_tokens_add(out, bos ? tokenizer->bos : tokenizer->eos, &error));
        } else {
            const char *text = element->valuestring;
            assert_true(lw_tokenizer_encode(tokenizer, text, strlen(text), out, &error));
        }
    }
}

static void compare(const struct lw_tokenizer *tokenizer, const char *what, const cJSON *elements,
    const struct lw_tokens *got)
{
    struct lw_tokens expected = {0};
    struct lw_string text = {0};
    struct lw_error error = {0};
    encode_elements(tokenizer, elements, &expected);
    if (got->count != expected.count ||
        (got->count && memcmp(got->ids, expected.ids, got->count * sizeof *got->ids) != 0)) {
        assert_true(lw_tokenizer_decode(tokenizer, got->ids, got->count, false, &text, &error));
        char *wanted = cJSON_PrintUnformatted(elements);
        print_error("%s\n  expected ", what);
        fputs(wanted, stderr);
        fprintf(stderr, "\n  got      %s\n", lw_string_text(&text));
        fail();
    }
    lw_tokens_free(&expected);
}

static void check_case(struct lw_tokenizer *tokenizer, const cJSON *vectors, const cJSON *one)
{
    const struct lw_template *row = lw_template_find(member(one, "template")->valuestring);
    const char *name = member(one, "conversation")->valuestring;
    struct lw_template_options options =
        read_options(member(one, "options"), member(vectors, "tools_date")->valuestring);
    struct lw_conversation conversation = {0};
    struct lw_turns turns = {0};
    struct lw_tokens prompt = {0};
    struct lw_error error = {0};
    char what[128];
    assert_non_null(row);
    read_conversation(&conversation, vectors, name);
    snprintf(what, sizeof what, "template %s, conversation %s", lw_template_name(row), name);
    if (!lw_template_encode(row, tokenizer, &conversation, &options, &turns, &error)) {
        fail_msg("%s: %s", what, error.message);
    }
    const cJSON *turn = member(one, "turns")->child;
    for (size_t i = 0; i < turns.count; i++, turn = turn->next) {
        assert_non_null(turn);
        compare(tokenizer, what, turn->child, &turns.items[i].source);
        compare(tokenizer, what, turn->child->next, &turns.items[i].target);
    }
    assert_null(turn);
    conversation.count--;
    assert_true(
        lw_template_encode_prompt(row, tokenizer, &conversation, &options, &prompt, &error));
    conversation.count++;
    compare(tokenizer, what, member(one, "prompt"), &prompt);
    lw_tokens_free(&prompt);
    lw_turns_free(&turns);
    lw_conversation_clear(&conversation);
}

static void test_elements(void **state)
{
    cJSON *vectors = read_vectors();
    struct lw_tokenizer *tokenizer = tokenizer_for_all();
    (void)state;
    for (const cJSON *one = member(vectors, "cases")->child; one; one = one->next) {
        check_case(tokenizer, vectors, one);
    }
    lw_tokenizer_close(tokenizer);
    cJSON_Delete(vectors);
}

static void test_every_template_has_vectors(void **state)
{
    cJSON *vectors = read_vectors();
    (void)state;
    for (size_t i = 0; lw_template_name_at(i); i++) {
        const cJSON *one = member(vectors, "cases")->child;
        while (one && strcmp(member(one, "template")->valuestring, lw_template_name_at(i)) != 0) {
            one = one->next;
        }
        assert_non_null(one);
    }
    cJSON_Delete(vectors);
}

// The ends of each turn are what follows the text in its elements.
static void test_ends(void **state)
{
    static const struct {
        const char *name, *header, *ending;
    } rows[] = {
        {"qwen", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n"},
        {"llama3", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
        {"phi", "<|end|>\n<|assistant|>\n", "<|end|>\n"},
        {"llama2", " [/INST]", "</s>"},
        {"default", "</s>\nAssistant:", "</s>\n"},
        {"empty", "", ""},
    };
    struct lw_tokenizer *tokenizer = tokenizer_for_all();
    struct lw_conversation conversation = {.system = NULL};
    struct lw_turns turns = {0};
    struct lw_tokens ids = {0};
    struct lw_error error = {0};
    const struct lw_template_options options = {.mark_ends = true};
    (void)state;
    assert_true(lw_conversation_add(&conversation, LW_ROLE_USER, "Hello", 5, &error));
    assert_true(lw_conversation_add(&conversation, LW_ROLE_ASSISTANT, "There", 5, &error));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lw_template *row = lw_template_find(rows[i].name);
        assert_true(lw_template_encode(row, tokenizer, &conversation, &options, &turns, &error));
        const char *const texts[] = {rows[i].header, rows[i].ending};
        const size_t counts[] = {turns.items[0].header, turns.items[0].ending};
        const struct lw_tokens *const parts[] = {&turns.items[0].source, &turns.items[0].target};
        for (int side = 0; side < 2; side++) {
            lw_tokens_clear(&ids);
            assert_true(
                lw_tokenizer_encode(tokenizer, texts[side], strlen(texts[side]), &ids, &error));
            assert_int_equal(counts[side], ids.count);
            assert_true(
                ids.count == 0 || memcmp(ids.ids, parts[side]->ids + parts[side]->count - ids.count,
                                      ids.count * sizeof *ids.ids) == 0);
        }
    }
    lw_tokens_free(&ids);
    lw_turns_free(&turns);
    lw_conversation_clear(&conversation);
    lw_tokenizer_close(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_every_template_has_vectors),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
