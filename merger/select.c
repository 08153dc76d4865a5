// SPDX-License-Identifier: Apache-2.0
// See select.h.
#include "merger/select.h"

#include <math.h>

void lw_select_start(struct lw_select *select, uint64_t elements, uint64_t wanted)
{
    // All of them reach 0, which is then the cut.
    *select = (struct lw_select){.elements = elements,
        .wanted = wanted,
        .high = wanted < elements ? 0x80000000u : 1,
        .reach_low = elements};
    for (int j = 0; j < LW_SELECT_PIVOTS; j++) {
        select->pivots[j] = UINT32_MAX;
    }
}

uint64_t lw_select_ties(const struct lw_select *select)
{
    return select->wanted ? select->wanted - select->reach_high : 0;
}

bool lw_select_splits(const struct lw_select *select)
{
    return select->wanted && select->wanted < select->reach_low;
}

static void exchange(uint32_t *left, uint32_t *right)
{
    uint32_t kept = *left;
    *left = *right;
    *right = kept;
}

// Hoare's selection with three ways, so that many equal values cost no more.
uint32_t lw_select_among(uint32_t *values, size_t count, size_t k)
{
    size_t first = 0, end = count, at = k - 1; // descending
    for (;;) {
        uint32_t pivot = values[first + (end - first) / 2];
        size_t more = first, less = end, i = first;
        while (i < less) {
            if (values[i] > pivot) {
                exchange(&values[more++], &values[i++]);
            } else if (values[i] < pivot) {
                exchange(&values[--less], &values[i]);
            } else {
                i++;
            }
        }
        if (at < more) {
            end = more;
        } else if (at >= less) {
            first = less;
        } else {
            return pivot;
        }
    }
}

// Adds a pivot in its place; the same one twice and 0 are left out.
static void add_pivot(struct lw_select *select, uint32_t pivot)
{
    int j = 0;
    while (j < LW_SELECT_PIVOTS && select->pivots[j] < pivot) {
        j++;
    }
    if (!pivot || j == LW_SELECT_PIVOTS || select->pivots[j] == pivot) {
        return;
    }
    for (int i = LW_SELECT_PIVOTS - 1; i > j; i--) {
        select->pivots[i] = select->pivots[i - 1];
    }
    select->pivots[j] = pivot;
}

// With magnitudes of few values, as between 16-bit models, the sample's k-th is the one: it and the
// next number as pivots prove it. With many values the pivots some ranks above and below enclose it:
// closely for a sample without structure, and further off, because neighbours are alike.
void lw_select_guess(struct lw_select *select, uint32_t *sample, size_t count)
{
    static const double spreads[] = {0.004, 0.03};
    double share = (double)select->wanted / (double)select->elements;
    for (int j = 0; j < LW_SELECT_PIVOTS; j++) {
        select->pivots[j] = UINT32_MAX;
    }
    add_pivot(select, 1); // counts what is not zero
    for (int j = -2; j <= 2; j++) {
        double spread = j ? spreads[j < 0 ? -j - 1 : j - 1] * (j < 0 ? -1 : 1) : 0;
        double rank = ceil((share + spread) * (double)count);
        size_t k = rank < 1 ? 1 : rank > (double)count ? count : (size_t)rank;
        uint32_t value = lw_select_among(sample, count, k);
        add_pivot(select, value);
        if (j == 0) {
            add_pivot(select, value + 1);
        }
    }
}

void lw_select_pin(struct lw_select *select)
{
    for (int j = 0; j < LW_SELECT_PIVOTS; j++) {
        select->pivots[j] = UINT32_MAX;
    }
    add_pivot(select, select->low);
    add_pivot(select, select->low + 1);
}

void lw_select_narrow(struct lw_select *select)
{
    for (int j = 0; j < LW_SELECT_PIVOTS; j++) {
        uint32_t pivot = select->pivots[j];
        if (pivot <= select->low || pivot >= select->high) {
            continue;
        }
        if (select->reached[j] >= select->wanted) {
            select->low = pivot;
            select->reach_low = select->reached[j];
        } else {
            select->high = pivot;
            select->reach_high = select->reached[j];
        }
    }
}

uint32_t lw_select_shift(const struct lw_select *select)
{
    uint32_t shift = 0;
    while ((select->high - select->low - 1) >> shift >= LW_SELECT_BINS) {
        shift++;
    }
    return shift;
}

void lw_select_bins(struct lw_select *select, const uint32_t bins[LW_SELECT_BINS])
{
    uint32_t shift = lw_select_shift(select), bin = (select->high - select->low - 1) >> shift;
    uint64_t reach = select->reach_high + bins[bin];
    while (reach < select->wanted && bin > 0) {
        bin--;
        select->reach_high = reach;
        reach += bins[bin];
    }
    uint32_t low = select->low + (bin << shift);
    uint64_t end = (uint64_t)low + (1ull << shift);
    select->high = end < select->high ? (uint32_t)end : select->high;
    select->low = low;
    select->reach_low = reach;
}
