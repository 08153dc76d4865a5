// SPDX-License-Identifier: Apache-2.0
// trainer/data/examples: every branch of the truncation and the mask against LLaMA-Factory's algorithm
// (shared/docs/semantics.md, section 4) run in Python.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"
#include "trainer/data/examples.h"

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
    {5, 7, 0, 0, 0}, // with on_long_record: safe an empty head or message may be left no room
    {0, 0, 0, 0, 0},
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

// keep_ends: two turns of 8 (head 3, message 3, header 2) and 5 (response 3, ending 2), then 5
// (message 3, header 2) and 5 tokens, numbered from 0; the ids that are left, trained ones from 100
// up. Worked out by hand from what examples.h promises.
static const struct shortened {
    size_t turn_count, cutoff_len;
    bool mask_history, train_on_prompt, truncated;
    uint32_t ids[24];
    size_t count;
} shortened[] = {
    {2, 23, false, false, false,
        {0, 1, 2, 3, 4, 5, 6, 7, 108, 109, 110, 111, 112, 13, 14, 15, 16, 17, 118, 119, 120, 121,
            122},
        23},
    {2, 22, false, false, true, {0, 1, 2, 3, 4, 5, 6, 7, 108, 109, 110, 111, 112}, 13},
    {2, 22, true, false, true, {0, 1, 2, 13, 14, 15, 16, 17, 118, 119, 120, 121, 122}, 13},
    {2, 23, true, false, false,
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 118, 119, 120, 121, 122},
        23},
    // 8 for head, message and response: 5 for what is read, int(5 * (3 / 6)) = 2 for the message.
    {1, 12, false, false, true, {0, 1, 2, 3, 4, 6, 7, 108, 109, 110, 111, 112}, 12},
    {1, 12, false, true, true, {100, 101, 102, 103, 104, 106, 107, 108, 109, 110, 111, 112}, 12},
    // 2: int(2 * (3 / 9)) is 0 for the response, int(2 * (3 / 6)) is 1 for the message.
    {1, 6, false, false, true, {0, 3, 6, 7, 111, 112}, 6},
    {1, 4, false, false, true, {6, 7, 111, 112}, 4},
    {1, 3, false, false, true, {0}, 0},
    {2, 12, true, false, true, {0, 1, 2, 13, 14, 16, 17, 118, 119, 120, 121, 122}, 12},
    {0, 1, true, false, false, {0}, 0},
};

static void safe_examples_keep_their_ends(void **state)
{
    (void)state;
    static const struct example lengths = {.turn_count = 2, .lengths = {{8, 5}, {5, 5}}};
    uint32_t numbers[most_tokens];
    struct lw_example built = {0};
    struct lw_turn items[most_turns];
    struct lw_turns turns = make_turns(&lengths, items, numbers);
    turns.head = 3;
    for (int i = 0; i < 2; i++) {
        items[i].header = items[i].ending = 2;
    }
    for (size_t i = 0; i < sizeof shortened / sizeof *shortened; i++) {
        const struct shortened *row = &shortened[i];
        struct lw_mask_options options = {.cutoff_len = row->cutoff_len,
            .train_on_prompt = row->train_on_prompt,
            .mask_history = row->mask_history,
            .keep_ends = true};
        turns.count = row->turn_count;
        assert_true(lw_example_build(&turns, &options, &built, NULL));
        assert_int_equal(built.count, row->count);
        for (size_t t = 0; t < built.count; t++) {
            assert_int_equal(built.ids[t] + (built.trained[t] ? 100 : 0), row->ids[t]);
        }
        assert_int_equal(built.truncated, row->truncated);
        assert_false(built.stop_cut);
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
        cmocka_unit_test(safe_examples_keep_their_ends),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
