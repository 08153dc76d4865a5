// SPDX-License-Identifier: Apache-2.0
// trainer/schedule and course against the rates that transformers used in the fixtures, and the
// formulas of transformers' optimization.py run in Python.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "trainer/course.h"
#include "trainer/schedule.h"

struct curve {
    struct lw_schedule schedule;
    size_t count;
    double rates[9];
};

static const struct curve curves[] = {
    // fixtures/cases/qwen2, runs big and small (run.R.lr)
    {{LW_SCHEDULE_COSINE, 0.001, 3, 6, {.num_cycles = -1}}, 6,
        {0.0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.00075, 0.0002500000000000001}},
    {{LW_SCHEDULE_COSINE, 5e-06, 3, 6, {.num_cycles = -1}}, 6,
        {0.0, 1.6666666666666667e-06, 3.3333333333333333e-06, 5e-06, 3.7500000000000005e-06,
            1.2500000000000007e-06}},
    // fixtures/cases/qwen2_accum, runs big and small
    {{LW_SCHEDULE_COSINE, 0.001, 4, 8, {.num_cycles = -1}}, 8,
        {0.0, 0.00025, 0.0005, 0.00075, 0.001, 0.0008535533905932737, 0.0005,
            0.00014644660940672628}},
    {{LW_SCHEDULE_COSINE, 5e-06, 4, 8, {.num_cycles = -1}}, 8,
        {0.0, 1.25e-06, 2.5e-06, 3.7500000000000005e-06, 5e-06, 4.267766952966369e-06, 2.5e-06,
            7.322330470336314e-07}},
    // from Python; no warm-up, warm-up as long as the run, warm-up longer than the run
    {{LW_SCHEDULE_COSINE, 5e-06, 0, 5, {.num_cycles = -1}}, 6,
        {5e-06, 4.522542485937369e-06, 3.272542485937369e-06, 1.7274575140626318e-06,
            4.774575140626317e-07, 0.0}},
    {{LW_SCHEDULE_COSINE, 5e-06, 7, 7, {.num_cycles = -1}}, 8,
        {0.0, 7.142857142857143e-07, 1.4285714285714286e-06, 2.1428571428571427e-06,
            2.8571428571428573e-06, 3.5714285714285718e-06, 4.2857142857142855e-06, 5e-06}},
    {{LW_SCHEDULE_COSINE, 5e-06, 10, 4, {.num_cycles = -1}}, 5,
        {0.0, 5.000000000000001e-07, 1.0000000000000002e-06, 1.5e-06, 2.0000000000000003e-06}},
    {{LW_SCHEDULE_LINEAR, 5e-06, 0, 5, {.num_cycles = -1}}, 6,
        {5e-06, 4.000000000000001e-06, 3e-06, 2.0000000000000003e-06, 1.0000000000000002e-06, 0.0}},
    {{LW_SCHEDULE_LINEAR, 5e-06, 3, 7, {.num_cycles = -1}}, 8,
        {0.0, 1.6666666666666667e-06, 3.3333333333333333e-06, 5e-06, 3.7500000000000005e-06,
            2.5e-06, 1.25e-06, 0.0}},
};

// What transformers 5.12.1's get_scheduler gives at a peak of 2e-5 (param_groups[0]["lr"] before each
// step), num_stable_steps and num_decay_steps as LLaMA-Factory's create_custom_scheduler sets them
// where they are not given.
static const struct {
    enum lw_schedule_kind kind;
    const char *kwargs[5];
    uint64_t warmup, total;
    double rates[9];
} others[] = {
    {LW_SCHEDULE_LINEAR, {NULL}, 2, 7,
        {0.0, 1e-05, 2e-05, 1.6000000000000003e-05, 1.2e-05, 8.000000000000001e-06,
            4.000000000000001e-06}},
    {LW_SCHEDULE_LINEAR, {NULL}, 0, 5,
        {2e-05, 1.6000000000000003e-05, 1.2e-05, 8.000000000000001e-06, 4.000000000000001e-06}},
    {LW_SCHEDULE_COSINE, {"num_cycles: 1.0"}, 2, 7,
        {0.0, 1e-05, 2e-05, 1.3090169943749475e-05, 1.9098300562505266e-06, 1.9098300562505245e-06,
            1.3090169943749474e-05}},
    {LW_SCHEDULE_COSINE_WITH_RESTARTS, {NULL}, 2, 8,
        {0.0, 1e-05, 2e-05, 1.866025403784439e-05, 1.5000000000000002e-05, 1e-05,
            5.000000000000003e-06, 1.339745962155613e-06}},
    {LW_SCHEDULE_COSINE_WITH_RESTARTS, {"num_cycles: 3"}, 1, 9,
        {0.0, 2e-05, 1.3826834323650899e-05, 2.9289321881345257e-06, 1.9238795325112867e-05, 1e-05,
            7.612046748871327e-07, 1.7071067811865477e-05, 6.173165676349103e-06}},
    {LW_SCHEDULE_POLYNOMIAL, {NULL}, 2, 7,
        {0.0, 1e-05, 2e-05, 1.6020000000000002e-05, 1.204e-05, 8.060000000000002e-06, 4.08e-06}},
    {LW_SCHEDULE_POLYNOMIAL, {"lr_end: 1e-06", "power: 2.0"}, 2, 8,
        {0.0, 1e-05, 2e-05, 1.4194444444444448e-05, 9.444444444444448e-06, 5.75e-06,
            3.111111111111112e-06, 1.5277777777777774e-06}},
    {LW_SCHEDULE_CONSTANT, {NULL}, 2, 3, {2e-05, 2e-05, 2e-05}},
    {LW_SCHEDULE_CONSTANT_WITH_WARMUP, {NULL}, 3, 5,
        {0.0, 6.666666666666667e-06, 1.3333333333333333e-05, 2e-05, 2e-05}},
    {LW_SCHEDULE_INVERSE_SQRT, {NULL}, 3, 7,
        {0.0, 6.666666666666667e-06, 1.3333333333333333e-05, 2e-05, 1.7320508075688777e-05,
            1.549193338482967e-05, 1.4142135623730951e-05}},
    {LW_SCHEDULE_INVERSE_SQRT, {NULL}, 0, 4,
        {2e-05, 1.9999000074993755e-05, 1.9998000299950014e-05, 1.9997000674831297e-05}},
    {LW_SCHEDULE_INVERSE_SQRT, {"timescale: 5"}, 2, 6,
        {0.0, 1e-05, 2e-05, 1.825741858350554e-05, 1.6903085094570334e-05, 1.5811388300841898e-05}},
    {LW_SCHEDULE_COSINE_WITH_MIN_LR, {"min_lr: 2e-06"}, 2, 7,
        {0.0, 1e-05, 2e-05, 1.8281152949374527e-05, 1.3781152949374527e-05, 8.218847050625474e-06,
            3.718847050625474e-06}},
    {LW_SCHEDULE_COSINE_WITH_MIN_LR, {"min_lr_rate: 0.25", "num_cycles: 0.75"}, 2, 7,
        {0.0, 1e-05, 2e-05, 1.690838939219355e-05, 1.0182372542187898e-05, 5.367076127786349e-06,
            6.432372542187893e-06}},
    {LW_SCHEDULE_COSINE_WARMUP_WITH_MIN_LR, {"min_lr_rate: 0.1"}, 3, 8,
        {6.666666666666667e-06, 1.3333333333333333e-05, 2e-05, 1.8281152949374527e-05,
            1.3781152949374527e-05, 8.218847050625476e-06, 3.7188470506254746e-06,
            2.0000000000000003e-06}},
    {LW_SCHEDULE_COSINE_WARMUP_WITH_MIN_LR, {"min_lr: 1e-06", "warmup_lr_rate: 0.2"}, 3, 8,
        {4.000000000000001e-06, 1.2000000000000002e-05, 2e-05, 1.8185661446562e-05,
            1.3435661446562003e-05, 7.564338553438e-06, 2.814338553438e-06, 1e-06}},
};

static void every_kind_equals_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct lw_option_list items = {.items = (char **)others[i].kwargs};
        while (items.count < 5 && items.items[items.count]) {
            items.count++;
        }
        struct lw_schedule schedule = {.kind = others[i].kind,
            .peak = 2e-5,
            .warmup_updates = others[i].warmup,
            .total_updates = others[i].total};
        assert_true(lw_schedule_kwargs_read(&schedule.kwargs, schedule.kind, &items, NULL));
        for (uint64_t k = 0; k < schedule.total_updates; k++) {
            double rate = lw_schedule_rate(&schedule, k);
            if (!(fabs(rate - others[i].rates[k]) <= 1e-15 * 2e-5)) {
                fail_msg("row %zu, update %d: %.17g instead of %.17g", i, (int)k, rate,
                    others[i].rates[k]);
            }
        }
    }
}

static void wrong_kwargs_are_named(void **state)
{
    (void)state;
    static const struct {
        enum lw_schedule_kind kind;
        const char *item, *part;
    } rows[] = {
        {LW_SCHEDULE_LINEAR, "power: 2", "the schedule linear has no power"},
        {LW_SCHEDULE_POLYNOMIAL, "power: two", "power must be a number"},
        {LW_SCHEDULE_COSINE_WITH_MIN_LR, "num_cycles: 1", "needs min_lr or min_lr_rate"},
        {LW_SCHEDULE_WARMUP_STABLE_DECAY, "decay_type: exp", "one of linear, cosine, 1-sqrt"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *items[] = {rows[i].item};
        const struct lw_option_list list = {(char **)items, 1};
        struct lw_schedule_kwargs kwargs;
        struct lw_error error = {0};
        assert_false(lw_schedule_kwargs_read(&kwargs, rows[i].kind, &list, &error));
        assert_int_equal(error.status, LW_USAGE);
        assert_non_null(strstr(error.message, rows[i].part));
    }
}

static void rates_equal_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        for (size_t k = 0; k < curves[i].count; k++) {
            double rate = lw_schedule_rate(&curves[i].schedule, k);
            assert_true(fabs(rate - curves[i].rates[k]) <= 1e-15 * curves[i].schedule.peak);
        }
    }
}

static void warm_up_equals_transformers(void **state)
{
    (void)state;
    assert_int_equal(lw_schedule_warmup(21, 0, 0.5), 11);
    assert_int_equal(lw_schedule_warmup(21, 4, 0.5), 4);
    assert_int_equal(lw_schedule_warmup(21, 0, 0), 0);
    assert_int_equal(lw_schedule_warmup(21, 0.1, 0.5), 3);
    assert_int_equal(lw_schedule_warmup(21, 1, 0), 1);
}

// TrainerState.epoch after `update` is epoch + batches / batches in the epoch.
static void counts_equal_transformers(void **state)
{
    (void)state;
    assert_int_equal(lw_course_of(128, 64, 1, 3, -1).updates_per_epoch, 2);
    assert_int_equal(lw_course_of(129, 64, 1, 3, -1).updates_per_epoch, 3);
    assert_int_equal(lw_course_of(5, 64, 1, 3, -1).updates_per_epoch, 1);
    assert_int_equal(lw_course_of(448, 64, 1, 3, -1).total_updates, 21);
    assert_int_equal(lw_course_of(448, 64, 1, 0.5, -1).total_updates, 4);
    assert_int_equal(lw_course_of(448, 64, 1, 3, 10).total_updates, 10);
    // 19 examples in batches of 2, four to an update: 10 batches, the last update has two
    struct lw_course course = lw_course_of(19, 2, 4, 1.5, -1);
    assert_int_equal(course.updates_per_epoch, 3);
    assert_int_equal(course.total_updates, 5);
    static const double epochs[] = {0, 0.4, 0.8, 1, 1.4, 1.8};
    for (uint64_t update = 0; update <= 5; update++) {
        assert_true(fabs(lw_course_epoch(&course, update) - epochs[update]) < 1e-15);
    }
}

static void things_fall_due_as_in_transformers(void **state)
{
    (void)state;
    struct lw_course course = lw_course_of(19, 2, 4, 1.5, -1);
    assert_int_equal(lw_course_interval(&course, 7), 7);
    assert_int_equal(lw_course_interval(&course, 0.3), 2);
    assert_int_equal(lw_course_interval(&course, 0), 0);
    static const struct {
        enum lw_strategy strategy;
        uint64_t interval;
        bool due[5]; // after update 1 and so on
    } rows[] = {
        {LW_STRATEGY_NO, 1, {false, false, false, false, false}},
        {LW_STRATEGY_STEPS, 2, {false, true, false, true, false}},
        {LW_STRATEGY_STEPS, 0, {false, false, false, false, false}},
        {LW_STRATEGY_EPOCH, 2, {false, false, true, false, true}},
        {LW_STRATEGY_AUTO, 3, {false, false, true, false, false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint64_t update = 1; update <= 5; update++) {
            assert_int_equal(lw_course_due(&course, rows[i].strategy, rows[i].interval, update),
                rows[i].due[update - 1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_equal_transformers),
        cmocka_unit_test(every_kind_equals_transformers),
        cmocka_unit_test(wrong_kwargs_are_named),
        cmocka_unit_test(warm_up_equals_transformers),
        cmocka_unit_test(counts_equal_transformers),
        cmocka_unit_test(things_fall_due_as_in_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
