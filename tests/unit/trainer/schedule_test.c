// SPDX-License-Identifier: Apache-2.0
// trainer/schedule against the rates that transformers used in the fixtures, and the formulas of
// transformers' optimization.py run in Python.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "trainer/schedule.h"

struct curve {
    struct lw_schedule schedule;
    size_t count;
    double rates[9];
};

static const struct curve curves[] = {
    // fixtures/cases/qwen2, runs big and small (run.R.lr)
    {{LW_SCHEDULE_COSINE, 0.001, 3, 6}, 6,
        {0.0, 0.0003333333333333333, 0.0006666666666666666, 0.001, 0.00075, 0.0002500000000000001}},
    {{LW_SCHEDULE_COSINE, 5e-06, 3, 6}, 6,
        {0.0, 1.6666666666666667e-06, 3.3333333333333333e-06, 5e-06, 3.7500000000000005e-06,
            1.2500000000000007e-06}},
    // fixtures/cases/qwen2_accum, runs big and small
    {{LW_SCHEDULE_COSINE, 0.001, 4, 8}, 8,
        {0.0, 0.00025, 0.0005, 0.00075, 0.001, 0.0008535533905932737, 0.0005,
            0.00014644660940672628}},
    {{LW_SCHEDULE_COSINE, 5e-06, 4, 8}, 8,
        {0.0, 1.25e-06, 2.5e-06, 3.7500000000000005e-06, 5e-06, 4.267766952966369e-06, 2.5e-06,
            7.322330470336314e-07}},
    // from Python; no warm-up, warm-up as long as the run, warm-up longer than the run
    {{LW_SCHEDULE_COSINE, 5e-06, 0, 5}, 6,
        {5e-06, 4.522542485937369e-06, 3.272542485937369e-06, 1.7274575140626318e-06,
            4.774575140626317e-07, 0.0}},
    {{LW_SCHEDULE_COSINE, 5e-06, 7, 7}, 8,
        {0.0, 7.142857142857143e-07, 1.4285714285714286e-06, 2.1428571428571427e-06,
            2.8571428571428573e-06, 3.5714285714285718e-06, 4.2857142857142855e-06, 5e-06}},
    {{LW_SCHEDULE_COSINE, 5e-06, 10, 4}, 5,
        {0.0, 5.000000000000001e-07, 1.0000000000000002e-06, 1.5e-06, 2.0000000000000003e-06}},
    {{LW_SCHEDULE_LINEAR, 5e-06, 0, 5}, 6,
        {5e-06, 4.000000000000001e-06, 3e-06, 2.0000000000000003e-06, 1.0000000000000002e-06, 0.0}},
    {{LW_SCHEDULE_LINEAR, 5e-06, 3, 7}, 8,
        {0.0, 1.6666666666666667e-06, 3.3333333333333333e-06, 5e-06, 3.7500000000000005e-06,
            2.5e-06, 1.25e-06, 0.0}},
    {{LW_SCHEDULE_CONSTANT, 2e-05, 3, 7}, 3, {2e-05, 2e-05, 2e-05}},
    {{LW_SCHEDULE_CONSTANT_WITH_WARMUP, 2e-05, 2, 7}, 4, {0, 1e-05, 2e-05, 2e-05}},
};

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

static void counts_equal_transformers(void **state)
{
    (void)state;
    assert_int_equal(lw_updates_per_epoch(128, 64), 2);
    assert_int_equal(lw_updates_per_epoch(129, 64), 3);
    assert_int_equal(lw_updates_per_epoch(5, 64), 1);
    assert_int_equal(lw_updates_per_epoch(0, 64), 1);
    assert_int_equal(lw_updates_in_run(7, 3, -1), 21);
    assert_int_equal(lw_updates_in_run(7, 0.5, -1), 4);
    assert_int_equal(lw_updates_in_run(7, 3, 10), 10);
    assert_int_equal(lw_schedule_warmup(21, 0, 0.5), 11);
    assert_int_equal(lw_schedule_warmup(21, 4, 0.5), 4);
    assert_int_equal(lw_schedule_warmup(21, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_equal_transformers),
        cmocka_unit_test(counts_equal_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
