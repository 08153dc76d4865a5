// SPDX-License-Identifier: Apache-2.0
// merger/select.h: the exact k-th largest for every kind of data, with a guess, without one, and with
// one that misleads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "merger/select.h"

enum { count = 5000, kinds = 5 };

static uint32_t value_of(int kind, uint64_t i)
{
    uint64_t bits = lw_random_bits(7, (uint64_t)kind, i);
    switch (kind) {
    case 0: // anything
        return (uint32_t)bits & 0x7f7fffffu;
    case 1: // a few values, many zeroes
        return bits % 3 ? 0 : 0x3f800000u + (uint32_t)(bits >> 8) % 5;
    case 2: // all the same
        return 0x3f800000u;
    case 3: // close together
        return 0x3f800000u + (uint32_t)(bits & 0xfffff);
    default: // the largest number and the smallest
        return bits % 2 ? 0x7f7fffffu : 1;
    }
}

static int descending(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return l < r ? 1 : l > r ? -1 : 0;
}

static void count_pivots(struct lw_select *select, const uint32_t *values)
{
    memset(select->reached, 0, sizeof select->reached);
    for (int j = 0; j < LW_SELECT_PIVOTS; j++) {
        for (int i = 0; i < count; i++) {
            select->reached[j] += values[i] >= select->pivots[j];
        }
    }
}

static void count_bins(const struct lw_select *select, const uint32_t *values, uint32_t *bins)
{
    memset(bins, 0, LW_SELECT_BINS * sizeof *bins);
    for (int i = 0; i < count; i++) {
        if (values[i] >= select->low && values[i] < select->high) {
            bins[(values[i] - select->low) >> lw_select_shift(select)]++;
        }
    }
}

static void check(int kind, uint64_t wanted, int guess)
{
    static uint32_t values[count], sorted[count], sample[count], bins[LW_SELECT_BINS];
    for (int i = 0; i < count; i++) {
        values[i] = sorted[i] = value_of(kind, (uint64_t)i);
    }
    qsort(sorted, count, sizeof *sorted, descending);
    struct lw_select select;
    lw_select_start(&select, count, wanted);
    if (guess && !lw_select_found(&select)) {
        for (int i = 0; i < 500; i++) {
            sample[i] = guess == 1 ? values[i * 10] : 5; // 2: of other data
        }
        lw_select_guess(&select, sample, 500);
        assert_int_equal(select.pivots[0], 1);
        count_pivots(&select, values);
        lw_select_narrow(&select);
    }
    for (int walks = 0; !lw_select_found(&select); walks++) {
        assert_true(walks < 2);
        count_bins(&select, values, bins);
        lw_select_bins(&select, bins);
    }
    assert_int_equal(select.low, sorted[wanted - 1]);
    uint64_t above = 0, equal = 0;
    for (int i = 0; i < count; i++) {
        above += values[i] > select.low;
        equal += values[i] == select.low;
    }
    assert_int_equal(lw_select_ties(&select), wanted - above);
    assert_int_equal(lw_select_splits(&select), wanted - above < equal);
    lw_select_pin(&select);
    count_pivots(&select, values);
    int at = select.low ? 0 : -1;
    assert_true(at < 0 || select.reached[at] == above + equal);
    assert_int_equal(select.reached[at + 1], above);
    assert_int_equal(lw_select_among(values, count, (size_t)wanted), sorted[wanted - 1]);
}

static void finds_every_rank(void **state)
{
    (void)state;
    static const uint64_t ranks[] = {1, 2, 50, 1000, 2500, 4000, 4998, 4999};
    for (int kind = 0; kind < kinds; kind++) {
        for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
            for (int guess = 0; guess < 3; guess++) {
                check(kind, ranks[i], guess);
            }
        }
    }
}

static void needs_no_search_at_the_ends(void **state)
{
    (void)state;
    struct lw_select select;
    lw_select_start(&select, count, 0);
    assert_true(lw_select_found(&select) && !lw_select_splits(&select));
    lw_select_start(&select, count, count);
    assert_true(lw_select_found(&select) && !lw_select_splits(&select));
    assert_int_equal(select.low, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_rank),
        cmocka_unit_test(needs_no_search_at_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
