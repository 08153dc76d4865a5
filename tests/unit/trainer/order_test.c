// SPDX-License-Identifier: Apache-2.0
// trainer/data/order against torch 2.14.1 (randperm) and numpy 2.4.6 (Generator.permutation).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "trainer/data/order.h"

struct vector {
    uint64_t seed;
    size_t count;
    uint32_t order[12];
};

static void shuffle_equals_torch(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {42, 12, {6, 8, 1, 7, 0, 2, 10, 11, 4, 3, 5, 9}},
        {43, 12, {4, 6, 7, 2, 9, 8, 1, 5, 0, 10, 11, 3}},
        {12345678901, 9, {4, 8, 3, 5, 7, 1, 0, 6, 2}},
        {7, 1, {0}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t order[12];
        lw_order_shuffle(vectors[i].seed, order, vectors[i].count);
        assert_memory_equal(order, vectors[i].order, vectors[i].count * sizeof order[0]);
    }
}

static void split_equals_numpy(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {42, 12, {0, 7, 6, 9, 11, 3, 5, 2, 4, 10, 1, 8}},
        {43, 12, {10, 9, 2, 7, 11, 5, 8, 1, 4, 6, 0, 3}},
        {12345678901, 9, {4, 3, 1, 7, 0, 8, 6, 5, 2}},
        {7, 1, {0}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t order[12];
        lw_order_split(vectors[i].seed, order, vectors[i].count);
        assert_memory_equal(order, vectors[i].order, vectors[i].count * sizeof order[0]);
    }
}

// Of permutations of 70000: the sum of (place + 1) * value, which no two likely ones share.
static void long_orders_keep_their_sums(void **state)
{
    (void)state;
    enum { count = 70000 };
    uint32_t *order = malloc(count * sizeof *order);
    assert_non_null(order);
    uint64_t sums[2] = {0, 0};
    lw_order_shuffle(42, order, count);
    for (size_t i = 0; i < count; i++) {
        sums[0] += (i + 1) * (uint64_t)order[i];
    }
    lw_order_split(42, order, count);
    for (size_t i = 0; i < count; i++) {
        sums[1] += (i + 1) * (uint64_t)order[i];
    }
    free(order);
    assert_true(sums[0] == 85868747895514u);
    assert_true(sums[1] == 85613659460057u);
}

static void held_out_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(lw_held_out_count(101, 0), 0);
    assert_int_equal(lw_held_out_count(101, 0.1), 11);
    assert_int_equal(lw_held_out_count(100, 0.1), 10);
    assert_int_equal(lw_held_out_count(3, 0.001), 1);
    assert_int_equal(lw_held_out_count(101, 8), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffle_equals_torch),
        cmocka_unit_test(split_equals_numpy),
        cmocka_unit_test(long_orders_keep_their_sums),
        cmocka_unit_test(held_out_is_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
