// SPDX-License-Identifier: Apache-2.0
// engine/io/json: what is refused and with which words, and the getters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

static void bad_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "t, line 1, column 1: the JSON text ends too early. The file is cut short"},
        {"{\"a\": [1, 2",
            "t, line 1, column 11: the JSON text ends too early. The file is cut short"},
        {"{\"a\": 1,\n \"b\": nope}", "t, line 2, column 7: not valid JSON"},
        {"{} {}", "t, line 1, column 4: more text after the end of the JSON value"},
        {"[[[[[1]]]]]", "t, line 1, column 5: arrays or objects nested too deep"},
        {"[1,2,3,4,5,6,7,8,9,10]", "t, line 1, column 17: too many values"},
        {"{\"a\\u0000b\": 1}", "t, line 1, column 4: the character \\u0000 is not supported"},
        {"[\"a\nb\"]", "t, line 1, column 4: a control character inside a string; JSON demands \\n "
                       "and the like"},
        {"[\"\xC3(\"]", "t, line 1, column 3: bytes that are not UTF-8"},
        {"[\"12345678901234567890123456789012345678901234567890123456789\"]",
            "t: 63 bytes of JSON, more than the 60 that are accepted"},
        {"[1", NULL},
        {"[1, \"ab]", "t, line 1, column 5: a string that does not end. The file is cut short, or "
                      "a quotation "
                      "mark is missing"},
        {"\"\\", NULL},
        {"{\"a\":}", NULL},
        {"[\"\\ud800\"]", NULL},
    };
    static const struct lw_json_limits limits = {60, 4, 9};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error error = {0};
        assert_null(lw_json_parse(cases[i].text, strlen(cases[i].text), "t", &limits, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        if (cases[i].message) {
            assert_string_equal(error.message, cases[i].message);
        }
    }
    struct lw_error error = {0};
    assert_null(lw_json_parse("[1\0]", 4, "t", &limits, &error));
    assert_string_equal(error.message, "t, line 1, column 3: a zero byte; this is no text");
}

static void objects_of_a_folder(void **state)
{
    (void)state;
    static const char root[] = "json_test.tmp";
    struct lw_error error = {0};
    cJSON *json;
    assert_true(lw_folder_remove(root, NULL) && lw_folder_create(root, NULL));
    assert_true(lw_json_read_object(&json, root, "a.json", false, &error));
    assert_null(json);
    assert_false(lw_json_read_object(&json, root, "a.json", true, &error));
    assert_null(json);
    assert_non_null(strstr(error.message, "json_test.tmp/a.json"));
    assert_true(lw_file_write_whole("json_test.tmp/a.json", "[1]", 3, NULL));
    error = (struct lw_error){0};
    assert_false(lw_json_read_object(&json, root, "a.json", false, &error));
    assert_null(json);
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, "json_test.tmp/a.json must be a JSON object"));
    assert_true(lw_file_write_whole("json_test.tmp/a.json", "{\"b\": 1}", 8, NULL));
    error = (struct lw_error){0};
    assert_true(lw_json_read_object(&json, root, "a.json", true, &error));
    assert_true(cJSON_HasObjectItem(json, "b"));
    cJSON_Delete(json);
    assert_true(lw_folder_remove(root, NULL));
}

static void good_texts_are_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", " [1, 2.5e3, -0, true, null]\r\n\t",
        "\xEF\xBB\xBF{\"bom\": 1}", "\"\\\\u0000\"", "[[[[1]]]]",
        "\"\xF0\x9F\x98\x80 \\ud83d\\ude00\""};
    static const struct lw_json_limits limits = {60, 4, 9};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_error error = {0};
        cJSON *value = lw_json_parse(texts[i], strlen(texts[i]), "t", &limits, &error);
        assert_string_equal(error.message, "");
        assert_non_null(value);
        cJSON_Delete(value);
    }
    // Any start of a text is refused and never read past; memory of its own size lets sanitizers see.
    const char *whole = "{\"a\": [1, {\"b\\\\\": \"c\\u00e9\"}], \"d\": -1.5e-3}";
    for (size_t length = 0; length < strlen(whole); length++) {
        char *part = lw_calloc(length, 1, NULL);
        memcpy(part, whole, length);
        assert_null(lw_json_parse(part, length, "t", NULL, NULL));
        lw_free(part);
    }
}

static void getters(void **state)
{
    (void)state;
    const char *text = "{\"n\": 64, \"big\": 9007199254740992, \"past\": 9007199254740994, "
                       "\"f\": 1.5, \"huge\": 1e400, \"s\": \"text\", \"t\": true, \"z\": null, "
                       "\"a\": [1], \"neg\": -3}";
    cJSON *object = lw_json_parse(text, strlen(text), "config.json", NULL, NULL);
    struct lw_json_scope scope = {object, "config.json"};
    struct lw_error error = {0};
    int64_t integer = 5;
    double number = 0.5;
    bool flag = false;
    const char *string = NULL;
    assert_true(lw_json_is_object(&scope, &error));
    assert_true(lw_json_integer(&scope, "n", 1, 64, &integer, &error));
    assert_int_equal(integer, 64);
    assert_true(lw_json_integer(&scope, "big", 0, INT64_MAX, &integer, &error));
    assert_true(integer == (int64_t)1 << 53);
    assert_true(lw_json_integer(&scope, "neg", INT64_MIN, 0, &integer, &error));
    assert_int_equal(integer, -3);
    assert_true(lw_json_number(&scope, "n", 0, 100, &number, &error));
    assert_true(number == 64);
    assert_true(lw_json_bool(&scope, "t", &flag, &error) && flag);
    assert_true(lw_json_string(&scope, "s", &string, &error));
    assert_string_equal(string, "text");
    assert_true(lw_json_optional_integer(&scope, "absent", 1, 2, &integer, &error));
    assert_true(lw_json_optional_integer(&scope, "z", 1, 2, &integer, &error));
    assert_int_equal(integer, -3);
    assert_true(lw_json_optional_bool(&scope, "absent", &flag, &error));
    assert_true(lw_json_optional_number(&scope, "f", 0, 2, &number, &error));
    assert_true(number == 1.5);
    assert_true(lw_json_optional_string(&scope, "z", &string, &error));

    static const struct {
        const char *key, *message;
        int64_t minimum, maximum;
    } wrong[] = {
        {"s", "config.json: \"s\" must be a positive integer, found \"text\"", 1, INT64_MAX},
        {"absent", "config.json: \"absent\" is missing; it must be an integer from 1 to 7", 1, 7},
        {"n", "config.json: \"n\" must be an integer from 1 to 63, found 64", 1, 63},
        {"f", "config.json: \"f\" must be an integer that is not negative, found 1.5", 0,
            INT64_MAX},
        {"a", "config.json: \"a\" must be an integer from 0 to 9, found an array", 0, 9},
        {"past", NULL, 0, INT64_MAX},
        {"huge", NULL, 0, INT64_MAX},
        {"t", NULL, 0, 1},
        {"z", NULL, 0, 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error = (struct lw_error){0};
        assert_false(lw_json_integer(
            &scope, wrong[i].key, wrong[i].minimum, wrong[i].maximum, &integer, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        if (wrong[i].message) {
            assert_string_equal(error.message, wrong[i].message);
        }
    }
    assert_int_equal(integer, -3);
    assert_false(lw_json_number(&scope, "huge", 0, 1e300, &number, NULL));
    assert_false(lw_json_optional_bool(&scope, "n", &flag, NULL));
    assert_false(lw_json_optional_string(&scope, "n", &string, NULL));
    cJSON_Delete(object);
}

static void quotes(void **state)
{
    (void)state;
    struct lw_string text = {0};
    const char *original = "a \"b\" \\c\n\x01 \xC3\xA9 /";
    assert_true(lw_json_quote(&text, original, NULL));
    assert_string_equal(text.data, "\"a \\\"b\\\" \\\\c\\u000a\\u0001 \xC3\xA9 /\"");
    cJSON *back = lw_json_parse(text.data, text.length, "t", NULL, NULL);
    assert_string_equal(back->valuestring, original);
    cJSON_Delete(back);
    lw_string_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(objects_of_a_folder),
        cmocka_unit_test(good_texts_are_taken),
        cmocka_unit_test(getters),
        cmocka_unit_test(quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
