// SPDX-License-Identifier: Apache-2.0
// trainer/data/mixture against NumPy 2.4.6 and a Python model of LLaMA-Factory and datasets
// (mixture_vectors.py); what it refuses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tests/unit/trainer/mixture_vectors.h"
#include "trainer/data/mixture.h"

static struct lw_mixture_params params_of(const struct mixed_case *mixed)
{
    return (struct lw_mixture_params){.sources = mixed->sources,
        .source_count = mixed->source_count,
        .strategy = mixed->strategy,
        .probabilities = mixed->has_probabilities ? mixed->probabilities : NULL,
        .max_samples = mixed->max_samples,
        .seed = mixed->seed};
}

static void draw(const struct mixed_case *mixed, struct lw_mixture *mixture)
{
    struct lw_mixture_params params = params_of(mixed);
    struct lw_mersenne_twister samples;
    struct lw_error error = {0};
    lw_mersenne_twister_seed(&samples, (uint32_t)mixed->seed);
    bool drawn = lw_mixture_draw(mixture, &params, &samples, &error);
    assert_string_equal(error.message, "");
    assert_true(drawn);
    assert_int_equal(mixture->count, mixed->count);
}

static void mixes_as_datasets(void **state)
{
    (void)state;
    struct lw_mixture mixture = {0};
    for (size_t i = 0; i < sizeof mixed_cases / sizeof mixed_cases[0]; i++) {
        draw(&mixed_cases[i], &mixture);
        assert_memory_equal(
            mixture.rows, mixed_cases[i].rows, mixture.count * sizeof mixture.rows[0]);
    }
    lw_mixture_free(&mixture);
}

static void long_mixtures_keep_their_sums(void **state)
{
    (void)state;
    struct lw_mixture mixture = {0};
    for (size_t i = 0; i < sizeof long_cases / sizeof long_cases[0]; i++) {
        uint64_t sum = 0;
        draw(&long_cases[i].mixed, &mixture);
        for (size_t place = 0; place < mixture.count; place++) {
            sum += (place + 1) * (uint64_t)mixture.rows[place];
        }
        assert_true(sum == long_cases[i].sum);
    }
    lw_mixture_free(&mixture);
}

static void refuses_what_cannot_be_mixed(void **state)
{
    (void)state;
    static const struct {
        struct lw_mixture_source sources[2];
        enum lw_mix_strategy strategy;
        const char *message;
    } rows[] = {
        {{{"a", 0, 3}, {"b", 1, 0}}, LW_MIX_CONCAT, "a: there is no record to draw num_samples"},
        {{{"a", 1, 0}, {"b", 0, 0}}, LW_MIX_UNDER, "b: there is no record to take turns"},
        {{{"a", 1, 0}, {"b", UINT32_MAX, 0}}, LW_MIX_CONCAT,
            "b: with it there are 214748364 rows or more"},
        {{{"a", 1, UINT32_MAX}, {"b", 1, 0}}, LW_MIX_CONCAT,
            "a: num_samples asks for 214748364 rows or more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lw_mixture_params params = {
            .sources = rows[i].sources, .source_count = 2, .strategy = rows[i].strategy};
        struct lw_mixture mixture = {0};
        struct lw_mersenne_twister samples;
        struct lw_error error = {0};
        lw_mersenne_twister_seed(&samples, 0);
        assert_false(lw_mixture_draw(&mixture, &params, &samples, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        error.message[strlen(rows[i].message)] = 0;
        assert_string_equal(error.message, rows[i].message);
        lw_mixture_free(&mixture);
    }
}

static void checks_probabilities(void **state)
{
    (void)state;
    static const struct {
        enum lw_mix_strategy strategy;
        double probabilities[3];
        size_t count, sources;
        const char *message; // NULL: taken
    } rows[] = {
        {LW_MIX_UNDER, {0.25, 0.25, 0.5}, 3, 3, NULL},
        {LW_MIX_UNDER, {0.1, 0.2, 0.7}, 3, 3, NULL},
        {LW_MIX_UNDER, {0, 1}, 2, 2, NULL},
        {LW_MIX_UNDER, {0.5, 0.500000015}, 2, 2, "interleave_probs add up to"},
        {LW_MIX_CONCAT, {0.5, 0.5}, 2, 2, "interleave_probs needs mix_strategy"},
        {LW_MIX_OVER, {0.5, 0.5}, 2, 3, "interleave_probs has 2 numbers for 3 data sets"},
        {LW_MIX_OVER, {1.5, -0.5}, 2, 2, "interleave_probs: 1.5 is not from 0 to 1"},
        {LW_MIX_OVER, {0, 1}, 2, 2, "interleave_probs: with a share of 0"},
        {LW_MIX_ONCE, {1, 0}, 2, 2, "interleave_probs: with a share of 0"},
        {LW_MIX_OVER, {0.25, 0.25, 0.25}, 3, 3, "interleave_probs add up to 0.75"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lw_error error = {0};
        bool taken = lw_mixture_check(
            rows[i].strategy, rows[i].probabilities, rows[i].count, rows[i].sources, &error);
        const char *message = rows[i].message;
        assert_int_equal(taken, message == NULL);
        assert_int_equal(error.status, taken ? LW_OK : LW_USAGE);
        if (message) {
            error.message[strlen(message)] = 0;
            assert_string_equal(error.message, message);
        }
    }
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    const struct mixed_case *mixed = &mixed_cases[14]; // samples and probabilities
    struct lw_mixture_params params = params_of(mixed);
    bool drawn = false;
    for (long successes = 0; !drawn; successes++) {
        struct lw_mixture mixture = {0};
        struct lw_mersenne_twister samples;
        struct lw_error error = {0};
        lw_mersenne_twister_seed(&samples, 0);
        lw_memory_fail_after(successes);
        drawn = lw_mixture_draw(&mixture, &params, &samples, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, drawn ? LW_OK : LW_NO_RESOURCE);
        lw_mixture_free(&mixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixes_as_datasets),
        cmocka_unit_test(long_mixtures_keep_their_sums),
        cmocka_unit_test(refuses_what_cannot_be_mixed),
        cmocka_unit_test(checks_probabilities),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
