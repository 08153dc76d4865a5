// SPDX-License-Identifier: Apache-2.0
// engine/io/options_file: recipes as LLaMA-Factory's users write them, and wrong ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/io/options_file.h"

#define PATH "options_file_test.tmp"

struct values {
    bool bf16;
    int64_t steps;
    double rate;
    char *model, *resume;
    struct lw_option_list data;
};

static const struct lw_option table[] = {
    {"bf16", LW_OPTION_BOOL, offsetof(struct values, bf16), 0, 0, NULL, "false", ""},
    {"max_steps", LW_OPTION_INTEGER, offsetof(struct values, steps), -1, 1000, NULL, "-1", ""},
    {"learning_rate", LW_OPTION_NUMBER, offsetof(struct values, rate), 0, 1, NULL, "5e-5", ""},
    {"model_name_or_path", LW_OPTION_STRING, offsetof(struct values, model), 0, 0, NULL, NULL, ""},
    {"resume_from_checkpoint", LW_OPTION_STRING, offsetof(struct values, resume), 0, 0, NULL,
        "auto", ""},
    {"dataset", LW_OPTION_LIST, offsetof(struct values, data), 0, 0, NULL, NULL, ""},
    {0},
};

static bool read_text(const char *text, struct values *values, struct lw_error *error)
{
    assert_true(lw_file_write_whole(PATH, text, strlen(text), NULL));
    assert_true(lw_options_defaults(table, values, NULL));
    return lw_options_read(table, values, PATH, error);
}

static void recipes_are_read(void **state)
{
    (void)state;
    static const char *const rates[] = {"5.0e-6", "5e-6", "5.0E-06", "0.000005", "'5e-6'"};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char text[512];
        snprintf(text, sizeof text,
            "### model\nmodel_name_or_path: a/b  # comment\nbf16: True\n\nlearning_rate: %s\n"
            "max_steps: 100\nresume_from_checkpoint: null\ndataset: a.json,b.jsonl\n",
            rates[i]);
        struct values values;
        struct lw_error error = {0};
        assert_true(read_text(text, &values, &error));
        assert_string_equal(values.model, "a/b");
        assert_true(values.bf16);
        assert_true(values.rate == 5e-6);
        assert_int_equal(values.steps, 100);
        assert_string_equal(values.resume, "auto"); // null leaves it
        assert_int_equal(values.data.count, 2);
        lw_options_free(table, &values);
    }
    static const char *const lists[] = {"dataset: [a.json, \"b.jsonl\"]",
        "dataset:\n- a.json\n- b.jsonl", "dataset: >\n  a.json,\n  b.jsonl\n",
        "{dataset: [a.json, b.jsonl]}"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct values values;
        assert_true(read_text(lists[i], &values, NULL));
        assert_int_equal(values.data.count, 2);
        assert_string_equal(values.data.items[0], "a.json");
        assert_string_equal(values.data.items[1], "b.jsonl");
        lw_options_free(table, &values);
    }
    struct values values;
    assert_true(read_text("# nothing\n", &values, NULL));
    lw_options_free(table, &values);
    assert_true(read_text("", &values, NULL));
    lw_options_free(table, &values);
}

static void wrong_recipes_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"bf16: true\n\nlearnig_rate: 1\n",
            PATH ":3: there is no option learnig_rate; did you mean learning_rate?"},
        {"learnig_rate: null\n",
            PATH ":1: there is no option learnig_rate; did you mean learning_rate?"},
        {"max_steps: 1\nlearning_rate: 1.5\n",
            PATH ":2: learning_rate must be a number from 0 to 1, found \"1.5\""},
        {"bf16: 1\n", PATH ":1: bf16 must be true or false, found \"1\""},
        {"max_steps: 1\nbf16: on\nmax_steps: 2\n",
            PATH ":3: max_steps again; it has a value in line 1"},
        {"dataset: {a: b}\n",
            PATH ":1: the value of dataset must be a number, a text, or a list of texts without "
                 "commas"},
        {"dataset: [[a]]\n", NULL},
        {"- a\n- b\n", PATH ":1: expected lines of the form `key: value`"},
        {"just words\n", NULL},
        {"a: b: c\n", NULL},
        {"model_name_or_path: \"a\\0b\"\n", NULL},
        {"? [x]\n: y\n", NULL},
        {"model_name_or_path: 'open\n", NULL},
        {"\tbf16: true\n", NULL},
        {"\xFF\xFE\xFF", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct values values;
        struct lw_error error = {0};
        assert_false(read_text(cases[i].text, &values, &error));
        assert_int_equal(error.status, LW_USAGE);
        assert_non_null(strstr(error.message, PATH ":"));
        if (cases[i].message) {
            assert_string_equal(error.message, cases[i].message);
        }
        lw_options_free(table, &values);
    }
    struct values values = {0};
    struct lw_error error = {0};
    assert_false(lw_options_read(table, &values, "absent.yaml", &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
}

static int tear_down(void **state)
{
    (void)state;
    return lw_file_remove(PATH, NULL) ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_are_read),
        cmocka_unit_test(wrong_recipes_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
