// SPDX-License-Identifier: Apache-2.0
// trainer/data/pack: every token of every example appears once, nothing crosses a border, targets follow
// the mask, padding is inert, and the plan is a function of the lengths.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "trainer/data/pack.h"

enum { budget = 16, most_examples = 200, longest = 16 };

static void lays_out_one_batch(void **state)
{
    (void)state;
    const uint32_t first_ids[] = {11, 12, 13, 14}, second_ids[] = {21, 22};
    const uint8_t first_trained[] = {1, 0, 1, 1}, second_trained[] = {0, 1};
    const struct lw_example_view examples[] = {
        {second_ids, second_trained, 2}, {first_ids, first_trained, 4}};
    struct lw_pack *pack = NULL;
    struct lw_batch *batch = NULL;
    assert_true(lw_pack_create(&pack, 8, 2, NULL));
    assert_true(lw_batch_create(&batch, 8, NULL));
    assert_int_equal(lw_pack_step(pack, examples, 2), 1);
    lw_pack_fill(pack, 0, batch);
    const uint32_t tokens[] = {21, 22, 11, 12, 13, 14, 0, 0};
    const uint32_t positions[] = {0, 1, 0, 1, 2, 3, 0, 0};
    const uint32_t starts[] = {0, 0, 2, 2, 2, 2, 6, 7}, ends[] = {2, 2, 6, 6, 6, 6, 7, 8};
    const int32_t targets[] = {22, -1, -1, 13, 14, -1, -1, -1};
    assert_memory_equal(batch->tokens, tokens, sizeof tokens);
    assert_memory_equal(batch->positions, positions, sizeof positions);
    assert_memory_equal(batch->segment_start, starts, sizeof starts);
    assert_memory_equal(batch->segment_end, ends, sizeof ends);
    assert_memory_equal(batch->targets, targets, sizeof targets);
    assert_int_equal(batch->used, 6);
    assert_int_equal(batch->trained, 3);
    struct lw_pack_totals totals = lw_pack_totals(pack);
    assert_int_equal(totals.tokens, 6);
    assert_int_equal(totals.targets, 3);
    assert_int_equal(totals.labels, 4);
    lw_batch_destroy(&batch);
    lw_pack_destroy(&pack);
}

// Example i has id 1000 * i + t at token t.
struct random_step {
    uint32_t ids[most_examples][longest];
    uint8_t trained[most_examples][longest];
    struct lw_example_view views[most_examples];
    size_t count, tokens, targets;
};

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void make_step(struct random_step *step, uint32_t *seed)
{
    step->count = 1 + draw(seed) % most_examples;
    step->tokens = 0;
    step->targets = 0;
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t length = 1 + draw(seed) % longest;
        for (uint32_t t = 0; t < length; t++) {
            step->ids[i][t] = 1000 * i + t;
            step->trained[i][t] = draw(seed) % 2;
            step->targets += t > 0 && step->trained[i][t];
        }
        step->views[i] = (struct lw_example_view){step->ids[i], step->trained[i], length};
        step->tokens += length;
    }
}

// Marks the examples of `batch` as seen and checks each of their tokens.
static void check_batch(const struct random_step *step, const struct lw_batch *batch, uint8_t *seen)
{
    for (uint32_t p = 0; p < batch->used;) {
        uint32_t i = batch->tokens[p] / 1000, length = (uint32_t)step->views[i].count;
        assert_int_equal(seen[i], 0);
        seen[i] = 1;
        for (uint32_t t = 0; t < length; t++) {
            bool trained = t + 1 < length && step->trained[i][t + 1];
            assert_int_equal(batch->tokens[p + t], 1000 * i + t);
            assert_int_equal(batch->positions[p + t], t);
            assert_int_equal(batch->segment_start[p + t], p);
            assert_int_equal(batch->segment_end[p + t], p + length);
            assert_int_equal(batch->targets[p + t], trained ? (int32_t)(1000 * i + t + 1) : -1);
        }
        p += length;
    }
}

static void packs_everything_once(void **state)
{
    (void)state;
    static struct random_step step;
    struct lw_pack *pack = NULL;
    struct lw_batch *batch = NULL;
    assert_true(lw_pack_create(&pack, budget, most_examples, NULL));
    assert_true(lw_batch_create(&batch, budget, NULL));
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        make_step(&step, &seed);
        uint8_t seen[most_examples] = {0};
        size_t used = 0, trained = 0, count = lw_pack_step(pack, step.views, step.count);
        for (size_t b = 0; b < count; b++) {
            lw_pack_fill(pack, b, batch);
            check_batch(&step, batch, seen);
            used += batch->used;
            trained += batch->trained;
        }
        assert_int_equal(used, step.tokens);
        assert_int_equal(trained, step.targets);
        // Best fit decreasing needs at most 11/9 of the best possible and 6/9 of a batch.
        size_t least = (step.tokens + budget - 1) / budget;
        if (step.count > 50) {
            assert_true(count * 9 <= least * 11 + 6 + least);
        }
    }
    lw_batch_destroy(&batch);
    lw_pack_destroy(&pack);
}

// 9 + 7 and 8 + 8 fill two batches exactly; first come, first served would take three.
static void fills_well_and_stably(void **state)
{
    (void)state;
    const uint32_t ids[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const uint8_t trained[16] = {0};
    const struct lw_example_view views[] = {
        {ids, trained, 7}, {ids, trained, 8}, {ids, trained, 8}, {ids, trained, 9}};
    struct lw_pack *pack = NULL;
    struct lw_batch *batch = NULL;
    assert_true(lw_pack_create(&pack, budget, 4, NULL));
    assert_true(lw_batch_create(&batch, budget, NULL));
    assert_int_equal(lw_pack_step(pack, views, 4), 2);
    lw_pack_fill(pack, 0, batch);
    assert_int_equal(batch->segment_end[0], 7);
    assert_int_equal(batch->used, 16);
    lw_pack_fill(pack, 1, batch);
    assert_int_equal(batch->segment_end[0], 8);
    assert_int_equal(batch->used, 16);
    lw_batch_destroy(&batch);
    lw_pack_destroy(&pack);
}

// longrope's factors are chosen for examples that transformers would compute together, by the length
// that they are padded to.
static void rotary_rows_go_by_forward_call(void **state)
{
    (void)state;
    const uint32_t ids[16] = {0};
    const uint8_t trained[16] = {0};
    const struct lw_example_view views[] = {{ids, trained, 3}, {ids, trained, 9}, {ids, trained, 8},
        {ids, trained, 2}, {ids, trained, 1}};
    struct lw_rotary rotary = {.kind = LW_ROTARY_LONGROPE, .original_positions = 8};
    const struct {
        uint32_t original;
        size_t together;
        uint32_t rows[5];
    } cases[] = {{8, 1, {0, 1, 0, 0, 0}}, {8, 2, {1, 1, 0, 0, 0}}, {8, 3, {1, 1, 1, 0, 0}},
        {15, 1, {0, 1, 0, 0, 0}}, {16, 5, {0, 0, 0, 0, 0}}, {8, 100, {1, 1, 1, 1, 1}}};
    struct lw_pack *pack = NULL;
    struct lw_batch *batch = NULL;
    assert_true(lw_pack_create(&pack, 32, 5, NULL));
    assert_true(lw_batch_create(&batch, 32, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rotary.original_positions = cases[i].original;
        assert_int_equal(lw_pack_step(pack, views, 5), 1);
        lw_pack_rotate(pack, &rotary, cases[i].together);
        lw_pack_fill(pack, 0, batch);
        uint32_t at = 0;
        for (size_t example = 0; example < 5; example++) {
            for (size_t t = 0; t < views[example].count; t++) {
                assert_int_equal(batch->rotary_row[at++], cases[i].rows[example]);
            }
        }
        assert_int_equal(batch->rotary_row[at], 0);
    }
    assert_int_equal(lw_pack_step(pack, views, 5), 1); // without the call: the first row
    lw_pack_fill(pack, 0, batch);
    assert_int_equal(batch->rotary_row[4], 0);
    lw_batch_destroy(&batch);
    lw_pack_destroy(&pack);
}

static void allocation_failures_leave_nothing(void **state)
{
    (void)state;
    for (long successes = 0; successes < 2; successes++) {
        struct lw_error error = {0};
        struct lw_pack *pack = NULL;
        lw_memory_fail_after(successes);
        assert_false(lw_pack_create(&pack, budget, 4, &error));
        lw_memory_fail_after(-1);
        assert_null(pack);
        assert_int_equal(error.status, LW_NO_RESOURCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lays_out_one_batch),
        cmocka_unit_test(packs_everything_once),
        cmocka_unit_test(fills_well_and_stably),
        cmocka_unit_test(rotary_rows_go_by_forward_call),
        cmocka_unit_test(allocation_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
