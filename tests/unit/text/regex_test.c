// SPDX-License-Identifier: Apache-2.0
// Regular expressions: what is rewritten, what is refused, and how matches follow each other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text/pattern.h"
#include "engine/text/regex_syntax.h"
#include "tests/unit/text/small.h"

static void test_refused(void **state)
{
    static const char *const patterns[] = {"\\w", "\\b", "\\h", "\\x41", "\\1", "\\", "^a", "a$",
        "[[:alpha:]]", "[a&&b]", "[]a]", "[-a]", "[a", "[a-\\s]", "[\\s-a]", "[\\p{L}-z]",
        "\\p{Han}", "\\p{^L}", "\\pL", "\\p{L", "a{,3}", "a{2,3}+", "a{2}?", "a{2}+", "{", "}", "]",
        "(?<name>a)", "(?P<n>a)", "(?#c)", "(?x: a)", "(?m:a)", "(?i)a", "(*UTF)a", "\\u12", "(",
        ")", "a**b|*"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct lw_pattern *pattern;
        struct lw_error error = {0};
        if (lw_pattern_create(&pattern, patterns[i], false, &error)) {
            fail_msg("%s was accepted", patterns[i]);
        }
        assert_null(pattern);
        small_expect(&error, LW_BAD_INPUT, patterns[i]);
    }
}

// All matches of a pattern in a text as "start-end ".
static void matches(char out[256], const char *regex, bool literal, const char *text)
{
    struct lw_pattern *pattern;
    struct lw_matcher matcher = {0};
    struct lw_error error = {0};
    size_t start, end, length = 0;
    bool found = true;
    if (!lw_pattern_create(&pattern, regex, literal, &error)) {
        fail_msg("%s", error.message);
    }
    lw_matcher_begin(&matcher, pattern, text, strlen(text));
    out[0] = 0;
    while (found) {
        assert_true(lw_matcher_next(&matcher, &found, &start, &end, &error));
        if (found) {
            length += (size_t)snprintf(out + length, 256 - length, "%zu-%zu ", start, end);
        }
    }
    lw_matcher_free(&matcher);
    lw_pattern_destroy(pattern);
}

static void test_matches(void **state)
{
    static const struct {
        const char *regex;
        bool literal;
        const char *text, *expected;
    } cases[] = {
        {"a", false, "banana", "1-2 3-4 5-6 "},
        {"x*", false, "axxb", "0-0 1-3 4-4 "}, // none directly after the match 1-3
        {"x*", false, "\xC3\xA9x", "0-0 2-3 "},
        {"", false, "\xF0\x9F\x98\x80", "0-0 4-4 "},
        {"a", false, "", ""},
        {"\\s", false, "\xC2\x85\xE1\xA0\x8E\xE3\x80\x80", "0-2 5-8 "}, // not U+180E
        {"\\S+", false, "\xC2\x85\xE1\xA0\x8E\xE3\x80\x80", "2-5 "},
        {"[^\\S\n]+", false, " \t\n ", "0-2 3-4 "},
        {"[\\S]", false, " a", "1-2 "},
        {"\\d+", false, "a12\xD9\xA3", "1-5 "},
        {"[^\\D5]", false, "4 5", "0-1 "},
        {"\\u4e2d|[\\u4e00-\\u4e10]", false, "\xE4\xB8\xAD\xE4\xB8\x80", "0-3 3-6 "},
        {"(?i:'s)", false, "'S '\xC5\xBF", "0-2 3-6 "}, // U+017F folds to s
        {".", false, "\r\n", "0-1 "},
        {"\\v", false, "\x0B\n", "0-1 "},
        {"a{2,3}", false, "aaaaa", "0-3 3-5 "},
        {"(?<=a)b", false, "abb", "1-2 "},
        {"a.c", true, "abca.c", "3-6 "},
        {"(\xC3\xA9", true, "(\xC3\xA9", "0-3 "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[256];
        matches(out, cases[i].regex, cases[i].literal, cases[i].text);
        if (strcmp(out, cases[i].expected) != 0) {
            fail_msg("%s gave \"%s\", not \"%s\"", cases[i].regex, out, cases[i].expected);
        }
    }
}

// A group that is repeated takes a frame for each round, more than the stack of compiled code.
static void test_deep_match(void **state)
{
    enum { SIZE = 1 << 20 };
    struct lw_pattern *pattern;
    struct lw_matcher matcher = {0};
    struct lw_error error = {0};
    bool found;
    size_t start, end;
    char *text = malloc(SIZE);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', SIZE);
    assert_true(lw_pattern_create(&pattern, "(?:a|b)*(?:aa|bb)", false, &error));
    lw_matcher_begin(&matcher, pattern, text, SIZE);
    assert_true(lw_matcher_next(&matcher, &found, &start, &end, &error));
    assert_true(found);
    assert_int_equal(start, 0);
    assert_int_equal(end, SIZE);
    lw_matcher_free(&matcher);
    lw_pattern_destroy(pattern);
    free(text);
}

// Nested repetitions try 2^n ways; the search gives up with an error in seconds.
static void test_endless_match(void **state)
{
    struct lw_pattern *pattern;
    struct lw_matcher matcher = {0};
    struct lw_error error = {0};
    bool found;
    size_t start, end;
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad";
    (void)state;
    assert_true(lw_pattern_create(&pattern, "(?:a|a|aa)+b|(?:a+)+c|[b-e]+x", false, &error));
    lw_matcher_begin(&matcher, pattern, text, sizeof text - 1);
    if (!lw_matcher_next(&matcher, &found, &start, &end, &error)) {
        small_expect(&error, LW_BAD_INPUT, "limit");
    } else {
        assert_false(found); // PCRE2 saw that there is no b, c or x
    }
    lw_matcher_free(&matcher);
    lw_pattern_destroy(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_deep_match),
        cmocka_unit_test(test_endless_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
