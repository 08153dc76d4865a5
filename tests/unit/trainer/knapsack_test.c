// SPDX-License-Identifier: Apache-2.0
// trainer/data/knapsack against a Python program of the described procedure (bisect over the sorted
// lengths, list.pop among equals) and Dataset.shard's bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/alloc.h"
#include "trainer/data/knapsack.h"

enum { most = 24 };

static const struct {
    uint32_t capacity, lengths[most];       // lengths end at 0
    uint32_t members[most], ends[most + 1]; // ends end at 0
} cases[] = {
    {10, {5, 3, 3, 8, 1, 9, 3, 2, 10, 4}, {8, 5, 4, 3, 7, 0, 9, 6, 2, 1}, {1, 3, 5, 7, 10}},
    {7, {7}, {0}, {1}},
    {9, {4, 4, 4, 4, 4}, {4, 3, 2, 1, 0}, {2, 4, 5}},
    {100,
        {16, 38, 35, 9, 24, 59, 39, 31, 41, 38, 5, 39, 1, 59, 54, 31, 17, 36, 15, 13, 46, 31, 35,
            54},
        {13, 8, 5, 11, 12, 23, 20, 14, 6, 10, 9, 1, 4, 17, 22, 16, 3, 2, 21, 15, 7, 0, 18, 19},
        {2, 5, 7, 10, 13, 17, 20, 24}},
};

static void packs_equal_llama_factorys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t examples[most];
        size_t count = 0;
        for (; count < most && cases[i].lengths[count]; count++) {
            examples[count] = 100 + (uint32_t)count;
        }
        struct lw_packs packs = {0};
        const uint32_t single[] = {7}, one[] = {1};
        assert_true(lw_packs_add(&packs, single, one, 1, 5, NULL)); // packs before stay
        assert_true(
            lw_packs_add(&packs, examples, cases[i].lengths, count, cases[i].capacity, NULL));
        assert_int_equal(packs.member_count, count + 1);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(packs.members[k + 1], 100 + cases[i].members[k]);
        }
        size_t got, next = 1;
        assert_int_equal(*lw_packs_at(&packs, 0, &got), 7);
        assert_int_equal(got, 1);
        for (size_t k = 0; cases[i].ends[k]; k++, next++) {
            const uint32_t *members = lw_packs_at(&packs, k + 1, &got);
            assert_ptr_equal(members + got, packs.members + 1 + cases[i].ends[k]);
        }
        assert_int_equal(packs.count, next);
        lw_packs_free(&packs);
    }
}

static void rows_are_batched_as_datasets_maps_them(void **state)
{
    (void)state;
    static const struct {
        size_t rows, workers, batch, ends[8];
    } maps[] = {
        {10, 3, 2, {2, 4, 6, 7, 9, 10}},
        {10, 0, 4, {4, 8, 10}},
        {3, 16, 1000, {1, 2, 3}},
        {2500, 2, 1000, {1000, 1250, 2250, 2500}},
        {7, 7, 5, {1, 2, 3, 4, 5, 6, 7}},
    };
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        size_t begin = 0;
        for (size_t k = 0; begin < maps[i].rows; k++) {
            begin = lw_packs_batch_end(maps[i].rows, maps[i].workers, maps[i].batch, begin);
            assert_int_equal(begin, maps[i].ends[k]);
        }
        assert_int_equal(begin, maps[i].rows);
    }
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    const uint32_t examples[] = {0, 1}, lengths[] = {2, 3};
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_packs packs = {0};
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = lw_packs_add(&packs, examples, lengths, 2, 4, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
        lw_packs_free(&packs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_equal_llama_factorys),
        cmocka_unit_test(rows_are_batched_as_datasets_maps_them),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
