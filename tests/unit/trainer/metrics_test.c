// SPDX-License-Identifier: Apache-2.0
// trainer/metrics and chart: the log's lines, cutting it back for a resumed run, and a picture that
// is well-formed whatever it shows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/chart.h"
#include "trainer/metrics.h"

static struct lw_metrics_entry entry_at(uint64_t step, double loss, double eval_loss)
{
    return (struct lw_metrics_entry){.step = step,
        .total_steps = 200,
        .loss = loss,
        .eval_loss = eval_loss,
        .eval_token_loss = eval_loss,
        .grad_norm = 1.5,
        .rate = 5e-6,
        .epoch = 0.25,
        .elapsed_seconds = 65.9,
        .remaining_seconds = 200000,
        .tokens_per_second = 1234.567,
        .total_tokens = 4096};
}

static void writes_llama_factorys_keys(void **state)
{
    (void)state;
    char *path = scratch_path("metrics.jsonl");
    struct lw_metrics *metrics = NULL;
    assert_true(lw_metrics_open(&metrics, path, 0, NULL));
    struct lw_metrics_entry first = entry_at(5, 2.25, NAN), second = entry_at(10, NAN, 2.5);
    assert_true(lw_metrics_add(metrics, &first, NULL));
    assert_true(lw_metrics_add(metrics, &second, NULL));
    char *text = scratch_read(path);
    assert_string_equal(text,
        "{\"current_steps\": 5, \"total_steps\": 200, \"loss\": 2.25, \"grad_norm\": 1.5, "
        "\"lr\": 5e-06, \"epoch\": 0.25, \"percentage\": 2.50, \"elapsed_time\": \"0:01:05\", "
        "\"remaining_time\": \"2 days, 7:33:20\", \"throughput\": 1234.57, "
        "\"total_tokens\": 4096}\n"
        "{\"current_steps\": 10, \"total_steps\": 200, \"eval_loss\": 2.5, "
        "\"eval_token_loss\": 2.5, \"grad_norm\": 1.5, \"lr\": 5e-06, \"epoch\": 0.25, "
        "\"percentage\": 5.00, \"elapsed_time\": \"0:01:05\", "
        "\"remaining_time\": \"2 days, 7:33:20\", \"throughput\": 1234.57, "
        "\"total_tokens\": 4096}\n");
    free(text);
    lw_metrics_close(&metrics);
    scratch_free(path);
}

// Lines up to step 10 stay, the next one and what follows a crash go, and the run writes on.
static void resumes_where_it_left_off(void **state)
{
    (void)state;
    const char *kept = "{\"current_steps\": 5, \"loss\": 3.0}\n{\"current_steps\": 10, "
                       "\"loss\": 2.0}\n{\"current_steps\": 10, \"eval_loss\": 2.5}\n";
    const char *tails[] = {"", "{\"current_steps\": 15, \"loss\": 1.0}\n{\"current_ste",
        "{\"current_steps\": 15}\n", "{\"current_steps\": 10, \"epoch\": 1}\n",
        "{\"current_steps\": 10, \"lo", "garbage\n", "\n"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char whole[400];
        snprintf(whole, sizeof whole, "%s%s", kept, tails[i]);
        char *path = scratch_file("resumed.jsonl", whole);
        struct lw_metrics *metrics = NULL;
        assert_true(lw_metrics_open(&metrics, path, 10, NULL));
        char *text = scratch_read(path);
        assert_string_equal(text, kept);
        free(text);
        struct lw_metrics_entry entry = entry_at(15, 1.25, NAN);
        assert_true(lw_metrics_add(metrics, &entry, NULL));
        text = scratch_read(path);
        assert_int_equal(strncmp(text, kept, strlen(kept)), 0);
        assert_int_equal(strncmp(text + strlen(kept), "{\"current_steps\": 15, \"total", 28), 0);
        free(text);
        lw_metrics_close(&metrics);
        // Without resuming the file begins anew.
        assert_true(lw_metrics_open(&metrics, path, 0, NULL));
        text = scratch_read(path);
        assert_string_equal(text, "");
        free(text);
        lw_metrics_close(&metrics);
        scratch_free(path);
    }
}

static void failures_name_the_file(void **state)
{
    (void)state;
    struct lw_metrics *metrics = NULL;
    struct lw_error error = {0};
    assert_false(lw_metrics_open(&metrics, "no/such/folder/log", 0, &error));
    assert_null(metrics);
    assert_non_null(strstr(error.message, "no/such/folder/log"));
}

static void prints_durations_as_python(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0:00:00"}, {59.99, "0:00:59"}, {3600, "1:00:00"}, {86399, "23:59:59"},
        {86400, "1 day, 0:00:00"}, {-4, "0:00:00"}, {NAN, "0:00:00"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[48];
        lw_metrics_duration(rows[i].seconds, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

static struct lw_history_entry point_at(double step, double loss, double eval_loss)
{
    struct lw_history_entry entry = lw_history_nothing();
    entry.step = step;
    entry.loss = loss;
    entry.eval_loss = eval_loss;
    return entry;
}

// No tag left open, no figure that is none.
static void check_picture(const char *path, size_t circles)
{
    char *text = scratch_read(path);
    assert_int_equal(strncmp(text, "<svg ", 5), 0);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf\""));
    assert_null(strstr(text, "<&"));
    size_t open = 0, found = 0;
    for (const char *at = text; *at; at++) {
        open += *at == '<' && at[1] != '/';
        open -= *at == '<' && at[1] == '/';
        open -= *at == '/' && at[1] == '>';
        found += !strncmp(at, "<title>", 7);
    }
    assert_int_equal(open, 0);
    assert_int_equal(found, circles);
    assert_true(strlen(text) < 200000);
    free(text);
}

static void draws_any_number_of_points(void **state)
{
    (void)state;
    enum { most = 50000 };
    static struct lw_history_entry points[most];
    const size_t counts[] = {0, 1, 2, 3, 100, most};
    char *path = scratch_path("loss.svg");
    for (size_t i = 0; i < most; i++) {
        points[i] = point_at((double)i + 1, 2 + sin((double)i), NAN);
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_true(lw_chart_write(path, "a <title> & more\n", points, counts[i], NULL));
        check_picture(path, 0);
    }
    for (size_t i = 0; i < 10; i++) {
        points[i] = point_at((double)i + 1, i % 2 ? 0 : NAN, i % 2 ? NAN : 0);
    }
    assert_true(lw_chart_write(path, "flat", points, 10, NULL));
    check_picture(path, 5);
    for (size_t i = 0; i < 10; i++) {
        points[i] = point_at((double)i + 1, i == 5 ? 1e30 : 1e-30, INFINITY);
    }
    assert_true(lw_chart_write(path, "steep", points, 10, NULL));
    check_picture(path, 0);
    scratch_free(path);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    char *path = scratch_file("memory.jsonl", "{\"current_steps\": 5, \"loss\": 3.0}\n");
    const struct lw_history_entry points[] = {
        point_at(1, 2, NAN), point_at(2, 1, NAN), point_at(2, NAN, 1)};
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_metrics *metrics = NULL;
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = lw_metrics_open(&metrics, path, 5, &error) &&
               lw_chart_write(path, "title", points, 3, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
        lw_metrics_close(&metrics);
    }
    scratch_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_llama_factorys_keys),
        cmocka_unit_test(resumes_where_it_left_off),
        cmocka_unit_test(failures_name_the_file),
        cmocka_unit_test(prints_durations_as_python),
        cmocka_unit_test(draws_any_number_of_points),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
