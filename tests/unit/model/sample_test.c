// SPDX-License-Identifier: Apache-2.0
// engine/model/sample: greedy, temperature and nucleus.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/model/generate.h"

#define WORDS 5

// Natural logarithms of the probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625, in another order.
static const float base[WORDS] = {-2.0794415f, -0.6931472f, -2.7725887f, -1.3862944f, -2.7725887f};

static void draw(const struct lw_sampling *sampling, unsigned draws, double *share)
{
    unsigned counts[WORDS] = {0};
    for (unsigned i = 0; i < draws; i++) {
        float logits[WORDS];
        uint32_t order[WORDS];
        memcpy(logits, base, sizeof base);
        uint32_t id = lw_sample(sampling, i, logits, order, WORDS);
        assert_true(id < WORDS);
        counts[id]++;
    }
    for (int i = 0; i < WORDS; i++) {
        share[i] = (double)counts[i] / draws;
    }
}

static void zero_temperature_takes_the_first_of_the_best(void **state)
{
    (void)state;
    float logits[] = {1, 3, 3, 2};
    assert_int_equal(lw_sample(&(struct lw_sampling){0}, 0, logits, NULL, 4), 1);
}

static void draws_follow_the_probabilities(void **state)
{
    (void)state;
    double share[WORDS];
    draw(&(struct lw_sampling){.temperature = 1, .top_p = 1, .seed = 3}, 20000, share);
    const double wanted[] = {0.125, 0.5, 0.0625, 0.25, 0.0625};
    for (int i = 0; i < WORDS; i++) {
        assert_true(fabs(share[i] - wanted[i]) < 0.015); // 4 standard deviations
    }
    // Half the temperature squares the probabilities, whose squares sum to 0.3359375.
    draw(&(struct lw_sampling){.temperature = 0.5f, .top_p = 1, .seed = 4}, 20000, share);
    assert_true(fabs(share[1] - 0.25 / 0.3359375) < 0.015);
}

static void nucleus_leaves_the_tail_out(void **state)
{
    (void)state;
    double share[WORDS];
    draw(&(struct lw_sampling){.temperature = 1, .top_p = 0.7f, .seed = 5}, 5000, share);
    assert_true(share[0] == 0 && share[2] == 0 && share[4] == 0);
    assert_true(fabs(share[1] - 2.0 / 3) < 0.03);
    draw(&(struct lw_sampling){.temperature = 1, .top_p = 0.01f, .seed = 5}, 100, share);
    assert_true(share[1] == 1);
}

static void a_draw_is_a_function_of_seed_and_index(void **state)
{
    (void)state;
    const struct lw_sampling sampling = {.temperature = 1, .top_p = 1, .seed = 7};
    uint32_t first[32];
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 32; i++) {
            float logits[WORDS];
            uint32_t order[WORDS];
            memcpy(logits, base, sizeof base);
            uint32_t id = lw_sample(&sampling, i, logits, order, WORDS);
            assert_true(round == 0 || id == first[i]);
            first[i] = id;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_temperature_takes_the_first_of_the_best),
        cmocka_unit_test(draws_follow_the_probabilities),
        cmocka_unit_test(nucleus_leaves_the_tail_out),
        cmocka_unit_test(a_draw_is_a_function_of_seed_and_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
