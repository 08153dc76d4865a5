// SPDX-License-Identifier: Apache-2.0
// engine/base/options and nearest: every type, range, source and message.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/nearest.h"
#include "engine/base/options.h"
#include "engine/base/stringbuf.h"

struct values {
    bool shuffle;
    int64_t steps;
    double rate;
    char *model;
    int schedule;
    struct lw_option_list data, kwargs, ignored;
};

static const char *const schedules[] = {"linear", "cosine", NULL};

static const char *const ignored[] = {"deepspeed", "report_to", NULL};
static const char *const refused[] = {"lora_rank", "optim=adamw|adamw_fused", "smoothing=0", NULL};

static const struct lw_option table[] = {
    {"shuffle", LW_OPTION_BOOL, offsetof(struct values, shuffle), 0, 0, NULL, "true", "Shuffles"},
    {"max_steps", LW_OPTION_INTEGER, offsetof(struct values, steps), -1, 1000, NULL, "-1", "Steps"},
    {"learning_rate", LW_OPTION_NUMBER, offsetof(struct values, rate), 0, 1, NULL, "5e-5", "Rate"},
    {"model", LW_OPTION_STRING, offsetof(struct values, model), 0, 0, NULL, NULL, "Folder"},
    {"schedule", LW_OPTION_CHOICE, offsetof(struct values, schedule), 0, 0, schedules, "linear",
        "Schedule"},
    {"dataset", LW_OPTION_LIST, offsetof(struct values, data), 0, 0, NULL, NULL, "Files"},
    {"More", LW_OPTION_HEADING, 0, 0, 0, NULL, NULL, NULL},
    {"kwargs", LW_OPTION_MAP, offsetof(struct values, kwargs), 0, 0, NULL, NULL, "Details"},
    {"Ignored", LW_OPTION_IGNORED, offsetof(struct values, ignored), 0, 0, ignored, NULL, NULL},
    {"Refused", LW_OPTION_REFUSED, 0, 0, 0, refused, NULL, "the reason"},
    {0},
};

static void every_type_is_read(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct values values;
    assert_true(lw_options_defaults(table, &values, &error));
    assert_true(values.shuffle);
    assert_int_equal(values.steps, -1);
    assert_true(values.rate == 5e-5);
    assert_null(values.model);
    assert_int_equal(values.schedule, 0);
    assert_int_equal(values.data.count, 0);

    static const char *const good[] = {"shuffle=no", "--max_steps=1000", "learning_rate=5.0e-6",
        "model=a=b", "schedule=cosine", "dataset= a.json, b c.jsonl ,,", "model=second"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(lw_options_assign(table, &values, good[i], &error));
    }
    assert_false(values.shuffle);
    assert_int_equal(values.steps, 1000);
    assert_true(values.rate == 5e-6);
    assert_string_equal(values.model, "second");
    assert_int_equal(values.schedule, 1);
    assert_int_equal(values.data.count, 2);
    assert_string_equal(values.data.items[0], "a.json");
    assert_string_equal(values.data.items[1], "b c.jsonl");
    lw_options_free(table, &values);
    assert_null(values.model);
}

// A switch with a third state, null, which recipes spell as YAML does.
static void choices_may_be_true_false_and_null(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "false", "null", NULL};
    static const struct lw_option rows[] = {
        {"thinking", LW_OPTION_CHOICE, offsetof(struct values, schedule), 0, 0, words, "true", ""},
        {"model", LW_OPTION_STRING, offsetof(struct values, model), 0, 0, NULL, NULL, "Folder"},
        {0},
    };
    struct lw_error error = {0};
    struct values values;
    assert_true(lw_options_defaults(rows, &values, &error));
    assert_true(lw_options_set(rows, &values, "thinking", NULL, "test", &error));
    assert_int_equal(values.schedule, 2);
    assert_true(lw_options_set(rows, &values, "model", NULL, "test", &error));
    assert_null(values.model);
    assert_true(lw_options_assign(rows, &values, "thinking=Yes", &error));
    assert_int_equal(values.schedule, 0);
    assert_true(lw_options_assign(rows, &values, "thinking=False", &error));
    assert_int_equal(values.schedule, 1);
    assert_false(lw_options_assign(rows, &values, "thinking=perhaps", &error));
    lw_options_free(rows, &values);
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    struct values values;
    assert_true(lw_options_defaults(table, &values, NULL));
    static const struct {
        const char *assignment, *message;
    } cases[] = {
        {"learnin_rate=1",
            "command line: there is no option learnin_rate; did you mean learning_rate?"},
        {"zzzzzzzzzzzz=1", "command line: there is no option zzzzzzzzzzzz"},
        {"learning_rate=fast",
            "command line: learning_rate must be a number from 0 to 1, found \"fast\""},
        {"learning_rate=1.5",
            "command line: learning_rate must be a number from 0 to 1, found \"1.5\""},
        {"learning_rate=nan", NULL},
        {"learning_rate=0x1p-3", NULL},
        {"learning_rate=1e-3 ", NULL},
        {"learning_rate=", NULL},
        {"learning_rate=1e", NULL},
        {"max_steps=1e3", NULL},
        {"max_steps=1.0", NULL},
        {"max_steps=-2", NULL},
        {"max_steps=-", NULL},
        {"max_steps=99999999999999999999", NULL},
        {"shuffle=maybe", "command line: shuffle must be true or false, found \"maybe\""},
        {"schedule=cos", "command line: schedule must be one of linear, cosine, found \"cos\""},
        {"kwargs=a", NULL},
        {"kwargs={a}", "command line: kwargs must be a map, {name: value, ...}, found \"{a}\""},
        {"kwargs={a: {b: 1}}", NULL},
        {"kwargs={: 1}", NULL},
        {"lora_rank=8", "command line: lora_rank: 8 cannot be done here: the reason"},
        {"optim=sgd", "command line: optim: sgd cannot be done here: the reason"},
        {"optim=", NULL},
        {"smoothing=0.1", NULL},
        {"More=1", "command line: there is no option More"},
        {"Ignored=1", "command line: there is no option Ignored"},
        {"model", "command line: \"model\" is not of the form key=value"},
        {"=x", NULL},
        {"--=x", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error error = {0};
        assert_false(lw_options_assign(table, &values, cases[i].assignment, &error));
        assert_int_equal(error.status, LW_USAGE);
        if (cases[i].message) {
            assert_string_equal(error.message, cases[i].message);
        }
    }
    assert_true(values.rate == 5e-5); // refused values change nothing
    lw_options_free(table, &values);
}

static void foreign_keys_are_sorted(void **state)
{
    (void)state;
    struct values values;
    assert_true(lw_options_defaults(table, &values, NULL));
    static const char *const good[] = {"report_to=x", "deepspeed=a,b", "report_to=y",
        "optim=adamw_fused", "optim=adamw", "smoothing=0.0", "kwargs={'a': 1.5,b :x}"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(lw_options_assign(table, &values, good[i], NULL));
    }
    assert_true(lw_options_set(table, &values, "lora_rank", NULL, "null asks for nothing", NULL));
    assert_int_equal(values.ignored.count, 2);
    assert_string_equal(values.ignored.items[0], "report_to");
    assert_string_equal(values.ignored.items[1], "deepspeed");
    assert_int_equal(values.kwargs.count, 2);
    assert_string_equal(values.kwargs.items[0], "a: 1.5");
    assert_string_equal(values.kwargs.items[1], "b: x");
    struct lw_string text = {0};
    assert_true(lw_options_print(lw_options_find(table, "kwargs"), &values, &text, NULL));
    assert_string_equal(text.data, "{a: 1.5, b: x}");
    lw_string_clear(&text);
    assert_true(lw_options_print(lw_options_find(table, "deepspeed"), &values, &text, NULL));
    assert_true(lw_options_print(lw_options_find(table, "optim"), &values, &text, NULL));
    assert_string_equal(lw_string_text(&text), "");
    assert_null(lw_options_find(table, "Refused"));
    lw_string_free(&text);
    lw_options_free(table, &values);
}

static void printed_values_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "false", "17", "0.1", "some folder", "cosine", "a.json,b.json"};
    struct values values;
    assert_true(lw_options_defaults(table, &values, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_string text = {0};
        assert_true(lw_options_set(table, &values, table[i].name, texts[i], "test", NULL));
        assert_true(lw_options_print(&table[i], &values, &text, NULL));
        assert_string_equal(lw_string_text(&text), texts[i]);
        lw_string_free(&text);
    }
    struct lw_string number = {0};
    assert_true(lw_options_set(table, &values, "learning_rate", "0.12345678901234566", "t", NULL));
    assert_true(lw_options_print(&table[2], &values, &number, NULL));
    assert_string_equal(lw_string_text(&number), "0.12345678901234566");
    // A number in YAML 1.1 too, where 1e-08 is a text.
    lw_string_clear(&number);
    assert_true(lw_options_set(table, &values, "learning_rate", "1e-8", "t", NULL));
    assert_true(lw_options_print(&table[2], &values, &number, NULL));
    assert_string_equal(lw_string_text(&number), "1.0e-08");
    lw_string_free(&number);
    lw_options_free(table, &values);
}

static void help_names_everything(void **state)
{
    (void)state;
    struct lw_string text = {0};
    assert_true(lw_options_help(table, &text, NULL));
    assert_non_null(strstr(text.data, "  max_steps: a whole number from -1 to 1000 [-1]\n"));
    assert_non_null(strstr(text.data, "  schedule: one of linear, cosine [linear]\n"));
    lw_string_free(&text);
}

static void allocation_failures_lose_nothing(void **state)
{
    (void)state;
    for (long n = 0; n < 8; n++) {
        struct lw_error error = {0};
        struct values values;
        assert_true(lw_options_defaults(table, &values, NULL));
        assert_true(lw_options_set(table, &values, "dataset", "x", "t", NULL));
        lw_memory_fail_after(n);
        bool done = lw_options_set(table, &values, "dataset", "a,b", "t", &error);
        lw_memory_fail_after(-1);
        assert_int_equal(values.data.count, done ? 2 : 1);
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
        lw_options_free(table, &values);
    }
}

static void allocation_failures_keep_maps(void **state)
{
    (void)state;
    for (long n = 0; n < 24; n++) {
        struct lw_error error = {0};
        struct values values;
        assert_true(lw_options_defaults(table, &values, NULL));
        assert_true(lw_options_set(table, &values, "kwargs", "{x: 1}", "t", NULL));
        lw_memory_fail_after(n);
        bool done = lw_options_set(table, &values, "kwargs", "{a: 1, b: 2}", "t", &error);
        bool noted = done && lw_options_set(table, &values, "deepspeed", "z", "t", &error);
        lw_memory_fail_after(-1);
        assert_int_equal(values.kwargs.count, done ? 2 : 1);
        assert_int_equal(values.ignored.count, noted);
        assert_int_equal(error.status, noted ? LW_OK : LW_NO_RESOURCE);
        lw_options_free(table, &values);
    }
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"train", "merge", "data"};
    assert_string_equal(lw_nearest_name("trian", names, 3, sizeof *names), "train");
    assert_string_equal(lw_nearest_name("merg", names, 3, sizeof *names), "merge");
    assert_null(lw_nearest_name("xyzzy", names, 3, sizeof *names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(choices_may_be_true_false_and_null),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(foreign_keys_are_sorted),
        cmocka_unit_test(printed_values_read_back),
        cmocka_unit_test(help_names_everything),
        cmocka_unit_test(allocation_failures_lose_nothing),
        cmocka_unit_test(allocation_failures_keep_maps),
        cmocka_unit_test(nearest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
