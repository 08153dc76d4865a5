// SPDX-License-Identifier: Apache-2.0
// trainer/examples: every branch of the truncation and the mask against LLaMA-Factory's algorithm
// (shared/docs/semantics.md, section 4) run in Python.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"
#include "trainer/examples.h"

// infer_seqlen(source, target, room) -> source, target
static const size_t kept_lengths[][5] = {
    {10, 10, 100, 10, 10},
    {0, 0, 5, 0, 0},
    {3, 0, 2, 2, 0},
    {0, 3, 2, 0, 2},
    {100, 20, 64, 44, 20},
    {100, 31, 64, 33, 31},
    {100, 32, 64, 49, 15},
    {31, 100, 64, 31, 33},
    {32, 100, 64, 16, 48},
    {33, 100, 64, 16, 48},
    {100, 100, 64, 32, 32},
    {100, 100, 65, 33, 32},
    {7, 5, 3, 2, 1},
    {1, 1, 1, 1, 0},
    {1, 1, 2, 1, 1},
    {2, 1, 1, 1, 0},
    {1, 2, 1, 1, 0},
    {1000, 1000, 1, 1, 0},
    {49, 98, 49, 17, 32},
    {20, 50, 64, 20, 44},
    {3000, 5000, 2048, 768, 1280},
    {123457, 654321, 8192, 1301, 6891},
    {13, 29, 41, 13, 28},
    {12, 30, 42, 12, 30},
    {5, 0, 1, 1, 0},
};

static void lengths_equal_infer_seqlen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kept_lengths / sizeof kept_lengths[0]; i++) {
        const size_t *row = kept_lengths[i];
        struct lw_kept kept = lw_example_kept(row[0], row[1], row[2]);
        assert_int_equal(kept.source, row[3]);
        assert_int_equal(kept.target, row[4]);
    }
}

enum { most_turns = 3, most_tokens = 64 };

// A conversation whose tokens are numbered from 0 through all turns, and what becomes of it. `sum`
// is that of (place + 1) * (2 * id + trained).
struct example {
    size_t turn_count;
    size_t lengths[most_turns][2]; // source, target
    size_t cutoff_len;
    bool train_on_prompt, mask_history;
    size_t count, trained_count;
    bool truncated, stop_cut;
    uint64_t sum;
};

static const struct example examples[] = {
    {1, {{5, 3}}, 100, false, false, 8, 3, false, false, 357u},
    {1, {{5, 3}}, 8, false, false, 8, 3, false, false, 357u},
    {1, {{5, 3}}, 7, false, false, 7, 3, true, false, 278u},
    {1, {{20, 4}}, 10, false, false, 10, 4, true, false, 1646u},
    {1, {{4, 20}}, 10, false, false, 10, 6, true, true, 705u},
    {1, {{20, 20}}, 10, false, false, 10, 5, true, true, 1900u},
    {2, {{5, 3}, {4, 6}}, 100, false, false, 18, 9, false, false, 3990u},
    {2, {{5, 3}, {4, 6}}, 18, false, false, 18, 9, false, false, 3990u},
    {2, {{5, 3}, {4, 6}}, 17, false, false, 17, 8, true, true, 3360u},
    {2, {{5, 3}, {4, 6}}, 8, false, false, 8, 3, true, false, 357u},
    {2, {{5, 3}, {4, 6}}, 9, false, false, 9, 3, true, true, 501u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 12, false, false, 12, 5, true, true, 1280u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 20, true, false, 20, 20, true, true, 5610u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 100, false, true, 24, 3, false, false, 9269u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 16, false, true, 16, 3, true, false, 4941u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 6, false, true, 6, 3, true, false, 911u},
    {3, {{5, 3}, {4, 6}, {30, 3}}, 10, false, true, 10, 3, true, false, 3909u},
    {3, {{5, 3}, {4, 6}, {3, 3}}, 12, false, true, 12, 3, true, false, 2911u},
    {3, {{5, 3}, {4, 6}, {3, 30}}, 10, false, true, 10, 7, true, true, 2689u},
    {2, {{5, 0}, {0, 6}}, 9, false, false, 9, 4, true, true, 510u},
    {1, {{1, 1}}, 1, false, false, 1, 0, true, true, 0u},
    {1, {{3, 9}}, 1, true, false, 1, 1, true, true, 1u},
};

// Turns over numbered tokens; they borrow `numbers`, which is filled.
static struct lw_turns make_turns(
    const struct example *example, struct lw_turn *items, uint32_t *numbers)
{
    size_t used = 0;
    for (uint32_t i = 0; i < most_tokens; i++) {
        numbers[i] = i;
    }
    for (size_t i = 0; i < example->turn_count; i++) {
        items[i].source = (struct lw_tokens){numbers + used, example->lengths[i][0], 0};
        used += example->lengths[i][0];
        items[i].target = (struct lw_tokens){numbers + used, example->lengths[i][1], 0};
        used += example->lengths[i][1];
    }
    return (struct lw_turns){.items = items, .count = example->turn_count};
}

static void masks_equal_llama_factory(void **state)
{
    (void)state;
    uint32_t numbers[most_tokens];
    struct lw_example built = {0};
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        struct lw_turn items[most_turns];
        struct lw_turns turns = make_turns(example, items, numbers);
        struct lw_mask_options options = {.cutoff_len = example->cutoff_len,
            .train_on_prompt = example->train_on_prompt,
            .mask_history = example->mask_history};
        assert_true(lw_example_build(&turns, &options, &built, NULL));
        uint64_t sum = 0;
        for (size_t t = 0; t < built.count; t++) {
            sum += (t + 1) * (2 * (uint64_t)built.ids[t] + built.trained[t]);
        }
        assert_int_equal(built.count, example->count);
        assert_int_equal(built.trained_count, example->trained_count);
        assert_int_equal(built.truncated, example->truncated);
        assert_int_equal(built.stop_cut, example->stop_cut);
        assert_int_equal(sum, example->sum);
    }
    lw_example_free(&built);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    uint32_t numbers[most_tokens];
    struct lw_turn items[most_turns];
    struct lw_turns turns = make_turns(&examples[6], items, numbers);
    struct lw_mask_options options = {.cutoff_len = 100};
    for (long successes = 0; successes < 2; successes++) {
        struct lw_example built = {0};
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        assert_false(lw_example_build(&turns, &options, &built, &error));
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, LW_NO_RESOURCE);
        lw_example_free(&built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_equal_infer_seqlen),
        cmocka_unit_test(masks_equal_llama_factory),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
