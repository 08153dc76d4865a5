// SPDX-License-Identifier: Apache-2.0
// trainer/data/cutter: arrays and lines in whatever portions they arrive, and every kind of damage with
// its line, after which the search goes on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "trainer/data/cutter.h"

struct memory_source {
    const char *text;
    size_t length, portion; // bytes given out per read
};

static bool read_memory(
    void *context, void *buffer, size_t capacity, size_t *length, struct lw_error *error)
{
    struct memory_source *source = context;
    (void)error;
    *length = source->length < source->portion ? source->length : source->portion;
    *length = *length < capacity ? *length : capacity;
    memcpy(buffer, source->text, *length);
    source->text += *length;
    source->length -= *length;
    return true;
}

// Everything cut from `text`, one item a line: "LINE RECORD" or "LINE !REASON". For free().
static char *cut_all(const char *text, size_t portion, size_t largest)
{
    struct memory_source memory = {text, strlen(text), portion};
    struct lw_byte_source source = {read_memory, &memory};
    struct lw_cutter *cutter = NULL;
    assert_true(lw_cutter_create(&cutter, source, largest, NULL));
    size_t size = strlen(text) * 2 + 4096, used = 0;
    char *out = malloc(size);
    assert_non_null(out);
    out[0] = 0;
    for (;;) {
        struct lw_cut cut;
        assert_true(lw_cutter_next(cutter, &cut, NULL));
        if (cut.kind == LW_CUT_END) {
            break;
        }
        bool good = cut.kind == LW_CUT_RECORD;
        used += (size_t)snprintf(out + used, size - used, "%d %s%s\n", (int)cut.line,
            good ? "" : "!", good ? cut.text : cut.reason);
        assert_true(used < size);
        if (good) {
            assert_int_equal(cut.length, strlen(cut.text));
        }
    }
    lw_cutter_destroy(&cutter);
    return out;
}

struct example {
    const char *text, *expected;
};

static const struct example examples[] = {
    // sound files
    {"[]", ""},
    {" [ ] \n", ""},
    {"[{}]", "1 {}\n"},
    {"\xef\xbb\xbf[{\"a\":1},\n {\"b\":[2,{}]}]\n", "1 {\"a\":1}\n2 {\"b\":[2,{}]}\n"},
    {"{\"a\":1}\n{\"b\":2}\n", "1 {\"a\":1}\n2 {\"b\":2}\n"},
    {"\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"b\":2}", "1 {\"a\":1}\n3 {\"b\":2}\n"},
    {"{\"a\":1}{\"b\":2} {\"c\":3}", "1 {\"a\":1}\n1 {\"b\":2}\n1 {\"c\":3}\n"},
    {"{\n \"a\": {\n }\n}\n{\"b\":2}", "1 {\n \"a\": {\n }\n}\n5 {\"b\":2}\n"},
    {"[{\"a\":\"}]\\\"{[\\\\\"},{}]", "1 {\"a\":\"}]\\\"{[\\\\\"}\n1 {}\n"},
    // nothing in it, or cut off
    {"", "1 !the file is empty\n"},
    {" \n\n ", "3 !the file is empty\n"},
    {"[", "1 !the file ends before the array does (no ]): it is cut off\n"},
    {"[{},\n", "1 {}\n2 !the file ends before the array does (no ]): it is cut off\n"},
    {"[{}\n,\n{\"a\":", "1 {}\n3 !the file ends inside a record: it is cut off\n"},
    {"{}\n{\"a\":\"b", "1 {}\n2 !the file ends inside a record: it is cut off\n"},
    // things between records
    {"[{}] x", "1 {}\n1 !text follows the end of the array\n"},
    {"[{},]", "1 {}\n1 !a comma stands before the end of the array\n"},
    {"[{},,{}]", "1 {}\n1 !a comma without a record before it\n1 {}\n"},
    {"[{}\n{}]", "1 {}\n2 !a comma is missing before the next record\n2 {}\n"},
    {"[1,\"a,]\",[{}],null,{}]",
        "1 !the record is not a JSON object ({...})\n1 !the record is not a JSON object ({...})\n"
        "1 !the record is not a JSON object ({...})\n1 !the record is not a JSON object ({...})\n"
        "1 {}\n"},
    {"[}{}]", "1 !the record is not a JSON object ({...})\n"
              "1 !a comma is missing before the next record\n1 {}\n"},
    {"{}\nhello\n{}\n", "1 {}\n2 !text that is no JSON object ({...})\n3 {}\n"},
    {"\xef{}\n{}\n", "1 !text that is no JSON object ({...})\n2 {}\n"},
    // inside records
    {"{\"a\":\"b\n{\"c\":1}\n",
        "1 !a string is not closed on its line (a missing quote?)\n2 {\"c\":1}\n"},
    {"{\"a\":[1\n{\"c\":1}\n",
        "1 !the record has no end before the next one begins\n2 {\"c\":1}\n"},
    {"[{\"a\":\"b\n},\n{\"c\":1}]",
        "1 !a string is not closed on its line (a missing quote?)\n3 {\"c\":1}\n"},
};

static void cuts_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        for (size_t portion = 1; portion < 30; portion++) {
            char *out = cut_all(examples[i].text, portion, 1 << 20);
            assert_string_equal(out, examples[i].expected);
            free(out);
        }
    }
}

static void large_records_are_faults(void **state)
{
    (void)state;
    char *out = cut_all("[{\"a\":\"0123456789\"},{\"b\":\"012345\"}]", 7, 14);
    assert_string_equal(
        out, "1 !the record is larger than a record may be\n1 {\"b\":\"012345\"}\n");
    free(out);
}

// Any bytes at all end, with at most one item per byte and one for the end.
static void random_bytes_end(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[],:\"\\ \na1\xef";
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[64] = "";
        size_t length = (seed >> 8) % 63, items = 0;
        for (size_t i = 0; i < length; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        seed = seed * 1664525u + 1013904223u;
        char *out = cut_all(text, 5, 1 << 20);
        for (const char *line = strchr(out, '!'); line; line = strchr(line + 1, '!')) {
            items++;
        }
        free(out);
        assert_true(items <= length + 1);
    }
}

static bool failing_read(
    void *context, void *buffer, size_t capacity, size_t *length, struct lw_error *error)
{
    int *calls = context;
    (void)capacity;
    if (++*calls == 2) {
        return lw_fail(error, LW_FAILED, "the disk is gone");
    }
    memcpy(buffer, "[{}, ", *length = 5);
    return true;
}

static void read_failures_pass_through(void **state)
{
    (void)state;
    int calls = 0;
    struct lw_error error = {0};
    struct lw_byte_source source = {failing_read, &calls};
    struct lw_cutter *cutter = NULL;
    struct lw_cut cut;
    assert_true(lw_cutter_create(&cutter, source, 100, NULL));
    assert_true(lw_cutter_next(cutter, &cut, &error));
    assert_false(lw_cutter_next(cutter, &cut, &error));
    assert_string_equal(error.message, "the disk is gone");
    lw_cutter_destroy(&cutter);
}

static void memory_failures_pass_through(void **state)
{
    (void)state;
    for (long successes = 0; successes < 2; successes++) {
        struct memory_source memory = {"[{}]", 4, 4};
        struct lw_byte_source source = {read_memory, &memory};
        struct lw_error error = {0};
        struct lw_cutter *cutter = NULL;
        struct lw_cut cut;
        lw_memory_fail_after(successes);
        bool done =
            lw_cutter_create(&cutter, source, 100, &error) && lw_cutter_next(cutter, &cut, &error);
        lw_memory_fail_after(-1);
        assert_false(done);
        assert_int_equal(error.status, LW_NO_RESOURCE);
        lw_cutter_destroy(&cutter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_as_expected),
        cmocka_unit_test(large_records_are_faults),
        cmocka_unit_test(random_bytes_end),
        cmocka_unit_test(read_failures_pass_through),
        cmocka_unit_test(memory_failures_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
