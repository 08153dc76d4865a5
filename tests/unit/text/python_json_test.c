// SPDX-License-Identifier: Apache-2.0
// JSON as Python reads and writes it: the errors, and lack of memory. What is written is compared
// with Python's own output by tests/golden/template on tests/data/chat_templates/tools.json.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/python_json.h"
#include "tests/unit/text/small.h"

static void test_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {{"", "byte 0: a value"}, {"[1,]", "byte 3: a value"}, {"{\"a\":1,}", "a string"},
        {"{a:1}", "a string"}, {"{\"a\" 1}", "a colon"}, {"[1 2]", "a comma"}, {"[1", "a comma"},
        {"1 2", "more after"}, {"01", "more after"}, {"-", "a value"}, {".5", "a value"},
        {"1.", "more after"}, {"1e", "more after"}, {"+1", "a value"}, {"nul", "a value"},
        {"'a'", "a value"}, {"\"a", "inside a string"}, {"\"\n\"", "inside a string"},
        {"\"\\", "an escape"}, {"\"\\x41\"", "an escape"}, {"\"\\u12g4\"", "hexadecimal"},
        {"\"\\u12", "hexadecimal"}, {"\"\\ud800\"", "surrogate"}, {"\"\\udc00\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"}, {"\"\\ud800\\u\"", "hexadecimal"},
        {"\"\xC3\"", "not UTF-8"}, {"\"\xFF\"", "not UTF-8"}, {"\"\xE4\xBB", "not UTF-8"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error error = {0};
        struct lw_python_json *json;
        assert_false(lw_python_json_read(&json, cases[i].text, &error));
        assert_null(json);
        small_expect(&error, LW_BAD_INPUT, cases[i].words);
    }
}

static void test_depth(void **state)
{
    char text[1000] = {0};
    struct lw_error error = {0};
    struct lw_python_json *json;
    (void)state;
    memset(text, '[', 400);
    memset(text + 400, ']', 400);
    assert_false(lw_python_json_read(&json, text, &error));
    small_expect(&error, LW_BAD_INPUT, "nested too deeply");
    assert_true(lw_python_json_read(&json, text + 200, &error) == false);
    small_expect(&error, LW_BAD_INPUT, "more after");
    text[600] = 0;
    assert_true(lw_python_json_read(&json, text + 200, &error));
    lw_python_json_free(json);
}

static void test_memory_runs_out(void **state)
{
    static const char text[] = "{\"a\": [1.5, {\"b\": \"\\n\"}], \"a\": [2, [3]], \"c\": null}";
    bool done = false;
    (void)state;
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        struct lw_python_json *json;
        struct lw_string out = {0};
        lw_memory_fail_after(successes);
        done = lw_python_json_read(&json, text, &error) && lw_python_json_write(&out, json, &error);
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
        if (done) {
            assert_string_equal(out.data, "{\"a\": [2, [3]], \"c\": null}");
        }
        lw_python_json_free(json);
        lw_string_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
