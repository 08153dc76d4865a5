// SPDX-License-Identifier: Apache-2.0
// trainer/data/record: both forms of ShareGPT data, other columns and tags, alpaca data, and a reason for
// each way of being unusable.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "trainer/data/record.h"

// Of a file that no dataset_info.json describes.
static const struct lw_record_format any = {LW_LAYOUT_ANY};

static void parse_as(const struct lw_record_format *format, const char *text,
    struct lw_conversation *conversation, struct lw_record_fault *fault)
{
    assert_true(lw_record_parse(text, strlen(text), format, conversation, fault, NULL));
}

static void parse(
    const char *text, struct lw_conversation *conversation, struct lw_record_fault *fault)
{
    parse_as(&any, text, conversation, fault);
}

static void reads_conversations(void **state)
{
    (void)state;
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    parse("{\"id\": 7, \"conversations\": ["
          "{\"from\": \"system\", \"value\": \"be kind\"},"
          "{\"from\": \"human\", \"value\": \"\\u00e4 \\ud83d\\ude00\\n\"},"
          "{\"value\": \"{}\", \"from\": \"function_call\", \"weight\": 1},"
          "{\"from\": \"observation\", \"value\": \"\"},"
          "{\"from\": \"gpt\", \"value\": \"done\"}],"
          "\"system\": \"unused\", \"tools\": [{\"name\": \"f\"}]}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "");
    assert_string_equal(conversation.system, "be kind");
    assert_string_equal(conversation.tools, "[{\"name\":\"f\"}]");
    assert_int_equal(conversation.count, 4);
    assert_int_equal(conversation.messages[0].role, LW_ROLE_USER);
    assert_string_equal(conversation.messages[0].text, "\xc3\xa4 \xf0\x9f\x98\x80\n");
    assert_int_equal(conversation.messages[0].length, 8);
    assert_int_equal(conversation.messages[1].role, LW_ROLE_FUNCTION);
    assert_int_equal(conversation.messages[2].role, LW_ROLE_OBSERVATION);
    assert_int_equal(conversation.messages[3].role, LW_ROLE_ASSISTANT);
    lw_conversation_clear(&conversation);
}

static void reads_messages(void **state)
{
    (void)state;
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    parse("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"},"
          "{\"role\": \"assistant\", \"content\": \"b\", \"tool_calls\": null},"
          "{\"role\": \"tool\", \"content\": \"c\"},"
          "{\"role\": \"assistant\", \"content\": \"d\", \"tool_calls\": []}],"
          "\"system\": \"s\", \"tools\": null, \"conversations\": null}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "");
    assert_string_equal(conversation.system, "s");
    assert_null(conversation.tools);
    assert_int_equal(conversation.count, 4);
    assert_int_equal(conversation.messages[2].role, LW_ROLE_OBSERVATION);
    // A second record replaces the first; of equal names the last counts, as in Python.
    parse("{\"messages\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\","
          "\"content\": \"y\"}, {\"role\": \"assistant\", \"content\": \"z\"}]}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "");
    assert_null(conversation.system);
    assert_int_equal(conversation.count, 2);
    assert_string_equal(conversation.messages[0].text, "y");
    lw_conversation_clear(&conversation);
}

#define TURN(role, text) "{\"from\": \"" role "\", \"value\": \"" text "\"}"
#define RECORD(turns) "{\"conversations\": [" turns "]}"

struct bad {
    const char *text, *reason; // the beginning of the reason
    size_t offset;
    bool is_row;
};

static const struct bad bad_records[] = {
    // no JSON
    {"{\"a\": }", "not valid JSON", 6, false},
    {"{\"a\": 1]", "not valid JSON", 7, false},
    {"{\"a\": \"\xff\"}", "bytes that are not UTF-8", 7, false},
    {"{\"a\": \"\xed\xa0\x80\"}", "bytes that are not UTF-8", 7, false},
    {"{\"a\": \"b\\ud800c\"}", "the first half of a surrogate pair", 8, false},
    {"{\"a\": \"b\\ud800\\u0041\"}", "the first half of a surrogate pair", 8, false},
    {"{\"a\": \"b\\udc00\"}", "the second half of a surrogate pair", 8, false},
    {"{\"a\": \"\\u0000\"}", "the escape \\u0000", 7, false},
    {"{\"a\": \"\\u12g4\"}", "\\u without four hexadecimal digits", 7, false},
    {"{\"a\": \"\\x41\"}", "a backslash before", 7, false},
    {"{\"a\": \"\t\"}", "a control character", 7, false},
    // not what is wanted
    {"{}", "neither \"conversations\" nor \"messages\" in it", 0, false},
    {"{\"text\": 1, \"b\": 2}", "neither \"conversations\" nor \"messages\" in it, only: text, b",
        0, false},
    {"{\"instruction\": \"a\"}",
        "neither \"conversations\" nor \"messages\" in it, but \"instruction\": alpaca data needs",
        0, false},
    {"{\"conversations\": {}}", "\"conversations\" is an object, not a list", 0, false},
    {RECORD("1"), "message 1 is a number, not an object", 0, false},
    {RECORD("{\"value\": \"a\"}"), "message 1: \"from\" is missing, not a text", 0, false},
    {RECORD("{\"from\": \"human\"}"), "message 1: \"value\" is missing, not a text", 0, false},
    {RECORD("{\"from\": \"human\", \"value\": [1]}"), "message 1: \"value\" is a list, not a text",
        0, false},
    {"{\"conversations\": [], \"system\": 1}", "\"system\" is a number, not a text", 0, false},
    {"{\"conversations\": [], \"tools\": 1}", "\"tools\" is a number, not a text or a list", 0,
        false},
    {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{}]}]}",
        "message 1: \"tool_calls\" is not read", 0, false},
    // roles
    {RECORD(""), "no messages", 0, true},
    {RECORD(TURN("system", "s")), "no messages", 0, true},
    {RECORD(TURN("human", "a")), "no assistant's turn", 0, true},
    {RECORD(TURN("human", "a") "," TURN("gpt", "b") "," TURN("human", "c")),
        "the last turn is not the assistant's", 0, true},
    {RECORD(TURN("gpt", "a") "," TURN("human", "b")), "message 1: an assistant's turn where", 0,
        true},
    {RECORD(TURN("system", "s") "," TURN("human", "a") "," TURN("human", "b")),
        "message 3: a user's turn where an assistant's should be", 0, true},
    {RECORD(TURN("human", "a") "," TURN("gpt", "b") "," TURN("system", "c")),
        "message 3: a system message that is not the first", 0, true},
    {RECORD(TURN("narrator", "a")), "message 1: unknown role \"narrator\"", 0, true},
};

static void check_bad(const struct lw_record_format *format, const struct bad *bad)
{
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    parse_as(format, bad->text, &conversation, &fault);
    fault.reason[strlen(bad->reason)] = 0;
    assert_string_equal(fault.reason, bad->reason);
    assert_int_equal(fault.offset, bad->offset);
    assert_int_equal(fault.is_row, bad->is_row);
    lw_conversation_clear(&conversation);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_records / sizeof bad_records[0]; i++) {
        check_bad(&any, &bad_records[i]);
    }
}

// --- layouts that dataset_info.json describes -----------------------------------------------------

// As LLaMA-Factory's README has it for OpenAI's messages, with more roles.
static const struct lw_record_format openai = {LW_LAYOUT_SHAREGPT, "sys", NULL, .messages = "turns",
    .role_tag = "role", .content_tag = "content", .user_tag = "user", .assistant_tag = "assistant",
    .observation_tag = "tool", .system_tag = "system"};

static struct lw_record_format alpaca_format(void)
{
    struct lw_record_format format = lw_record_format_default(LW_LAYOUT_ALPACA);
    format.history = "history";
    format.system = "system";
    format.tools = "tools";
    return format;
}

static void reads_columns_and_tags(void **state)
{
    (void)state;
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    // Columns without a name are not looked at, whatever they hold.
    parse_as(&openai,
        "{\"sys\": \"s\", \"tools\": 7, \"system\": [1], \"conversations\": 3, \"turns\": ["
        "{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"},"
        "{\"role\": \"tool\", \"content\": \"c\"}, {\"role\": \"assistant\", \"content\": \"\"}]}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "");
    assert_string_equal(conversation.system, "s");
    assert_null(conversation.tools);
    assert_int_equal(conversation.count, 4);
    assert_int_equal(conversation.messages[2].role, LW_ROLE_OBSERVATION);
    // The system message replaces the column, even when it is empty; a null column is none.
    parse_as(&openai,
        "{\"sys\": null, \"turns\": [{\"role\": \"system\", \"content\": \"\"},"
        "{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "");
    assert_string_equal(conversation.system, "");
    assert_int_equal(conversation.count, 2);
    lw_conversation_clear(&conversation);
}

struct alpaca_case {
    const char *text;
    const char *prompt, *response; // the last two messages
    size_t count;
};

static void reads_alpaca(void **state)
{
    (void)state;
    static const struct alpaca_case cases[] = {
        {"{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\"}", "a\nb", "c", 2},
        {"{\"instruction\": \"a\", \"input\": \"\", \"output\": \"\"}", "a", "", 2},
        {"{\"instruction\": \"\", \"input\": \"b\", \"output\": \"c\"}", "b", "c", 2},
        {"{\"instruction\": \"\", \"output\": \"c\", \"history\": \"\"}", "", "c", 2},
        {"{\"instruction\": \"a\", \"input\": null, \"output\": \"c\", \"history\": []}", "a", "c",
            2},
        {"{\"instruction\": \"a\", \"output\": \"c\", \"history\": [[\"d\", \"e\"], [\"f\", \"\"]],"
         "\"messages\": 1}",
            "a", "c", 6},
    };
    const struct lw_record_format format = alpaca_format();
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parse_as(&format, cases[i].text, &conversation, &fault);
        assert_string_equal(fault.reason, "");
        assert_int_equal(conversation.count, cases[i].count);
        const struct lw_message *last = &conversation.messages[cases[i].count - 2];
        assert_string_equal(last[0].text, cases[i].prompt);
        assert_string_equal(last[1].text, cases[i].response);
        for (size_t j = 0; j < conversation.count; j++) {
            assert_int_equal(
                conversation.messages[j].role, j % 2 ? LW_ROLE_ASSISTANT : LW_ROLE_USER);
        }
    }
    assert_string_equal(conversation.messages[2].text, "f");
    assert_null(conversation.system);
    parse_as(&format,
        "{\"instruction\": \"a\", \"output\": \"c\", \"system\": \"s\", \"tools\": {\"name\": 1}}",
        &conversation, &fault);
    assert_string_equal(conversation.system, "s");
    assert_string_equal(conversation.tools, "{\"name\":1}");
    lw_conversation_clear(&conversation);
}

static void names_what_is_wrong_in_layouts(void **state)
{
    (void)state;
    static const struct bad alpaca[] = {
        {"{\"text\": 1}", "no \"instruction\" and no \"input\" in it, only: text", 0, true},
        {"{\"instruction\": 1}", "\"instruction\" is a number, not a text", 0, false},
        {"{\"instruction\": \"a\", \"input\": []}", "\"input\" is a list, not a text", 0, false},
        {"{\"instruction\": \"a\"}", "\"output\" is missing, not a text", 0, true},
        {"{\"instruction\": \"a\", \"output\": null}", "\"output\" is missing, not a text", 0,
            true},
        {"{\"instruction\": \"a\", \"output\": [\"b\"]}", "\"output\" is a list, not a text", 0,
            true},
        {"{\"instruction\": \"a\", \"output\": \"b\", \"history\": \"c\"}",
            "\"history\" is a text, not a list", 0, false},
        {"{\"instruction\": \"a\", \"output\": \"b\", \"history\": [[\"c\", \"d\"], [\"e\"]]}",
            "\"history\": item 2 is not a pair of texts", 0, false},
        {"{\"instruction\": \"a\", \"output\": \"b\", \"history\": [[\"c\", \"d\", \"e\"]]}",
            "\"history\": item 1 is not a pair of texts", 0, false},
        {"{\"instruction\": \"a\", \"output\": \"b\", \"history\": [\"c\"]}",
            "\"history\": item 1 is not a pair of texts", 0, false},
        {"{\"system\": 1, \"instruction\": \"a\", \"output\": \"b\"}",
            "\"system\" is a number, not a text", 0, false},
    };
    static const struct bad sharegpt[] = {
        {"{\"messages\": []}", "no \"turns\" in it, only: messages", 0, false},
        {"{\"turns\": [{\"from\": \"user\"}]}", "message 1: \"role\" is missing", 0, false},
        {"{\"turns\": [{\"role\": \"human\"}]}", "message 1: unknown role \"human\"", 0, true},
        {"{\"turns\": [{\"role\": \"user\", \"content\": null}]}",
            "message 1: \"content\" is missing", 0, false},
        {"{\"turns\": [{\"role\": \"tool\", \"content\": \"\"}, {\"role\": \"user\", \"content\": "
         "\"\"}]}",
            "message 2: a user's turn", 0, true},
        {"{\"sys\": 1, \"turns\": []}", "\"sys\" is a number, not a text", 0, false},
    };
    const struct lw_record_format format = alpaca_format();
    for (size_t i = 0; i < sizeof alpaca / sizeof alpaca[0]; i++) {
        check_bad(&format, &alpaca[i]);
    }
    for (size_t i = 0; i < sizeof sharegpt / sizeof sharegpt[0]; i++) {
        check_bad(&openai, &sharegpt[i]);
    }
}

// Reasons are parts of messages and of JSON: whatever the record holds, they are UTF-8.
static void reasons_are_text(void **state)
{
    (void)state;
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    // The names of keys are cut after 24 bytes, in the middle of their ninth letter.
    parse("{\"a\u5217\u5217\u5217\u5217\u5217\u5217\u5217\u5217\u5217\": 1, \"b\": 2}",
        &conversation, &fault);
    assert_string_equal(fault.reason, "neither \"conversations\" nor \"messages\" in it, only: a"
                                      "\xE5\x88\x97\xE5\x88\x97\xE5\x88\x97\xE5\x88\x97"
                                      "\xE5\x88\x97\xE5\x88\x97\xE5\x88\x97, b");
    char longer[400];
    for (size_t i = 0; i + 2 < sizeof longer; i += 2) {
        memcpy(longer + i, "\xC3\xA4", 2);
    }
    longer[398] = 0;
    lw_record_fault_set(&fault, longer);
    assert_int_equal(strlen(fault.reason), sizeof fault.reason - 2);
    assert_memory_equal(fault.reason, longer, sizeof fault.reason - 2);
    lw_record_fault_set(&fault, "The tools: \x80 this is no JSON.");
    assert_string_equal(fault.reason, "The tools:  this is no JSON");
    const struct lw_record_format queries = {
        .layout = LW_LAYOUT_ALPACA, .query = "ask", .response = "answer"};
    parse_as(&queries, "{\"answer\": \"a\"}", &conversation, &fault);
    assert_string_equal(fault.reason, "no \"ask\" in it, only: answer");
    lw_conversation_clear(&conversation);
}

static void counts_lines(void **state)
{
    (void)state;
    const char *text = "{\n\"a\":\n\n 1,}";
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    parse(text, &conversation, &fault);
    assert_int_equal(lw_record_fault_line(text, 10, &fault), 13);
}

static void fail_each_allocation(const struct lw_record_format *format, const char *text)
{
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    bool parsed = false;
    for (long successes = 0; !parsed; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        parsed = lw_record_parse(text, strlen(text), format, &conversation, &fault, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, parsed ? LW_OK : LW_NO_RESOURCE);
    }
    assert_int_equal(conversation.count, 4);
    lw_conversation_clear(&conversation);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    const struct lw_record_format format = alpaca_format();
    fail_each_allocation(&any,
        "{\"conversations\": [" TURN("system", "s") "," TURN("human", "a") "," TURN(
            "gpt", "b") "," TURN("human", "c") "," TURN("gpt", "d") "], \"system\": \"t\", "
                                                                    "\"tools\": \"[]\"}");
    fail_each_allocation(&format,
        "{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\", \"system\": \"s\", "
        "\"tools\": \"[]\", \"history\": [[\"d\", \"e\"]]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_conversations),
        cmocka_unit_test(reads_messages),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(reads_columns_and_tags),
        cmocka_unit_test(reads_alpaca),
        cmocka_unit_test(names_what_is_wrong_in_layouts),
        cmocka_unit_test(reasons_are_text),
        cmocka_unit_test(counts_lines),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
