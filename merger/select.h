// SPDX-License-Identifier: Apache-2.0
// Finds the exact k-th largest of many magnitudes in few walks over them: what is known of it narrows
// from walk to walk, and no walk sorts. A guess from a sample comes first; with it the first walk
// mostly ends the search. Magnitudes are bits of floats without sign, which are ordered as the floats
// are. Equal magnitudes count in the order of their indices. This is the host's part; selection.h
// has the device's. Called by selection.c.
#ifndef LW_MERGER_SELECT_H
#define LW_MERGER_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LW_SELECT_PIVOTS = 8, LW_SELECT_BINS = 65536 };

struct lw_select {
    uint64_t elements; // of all
    uint64_t wanted;   // the rank k, from 1; 0: before everything
    // The wanted magnitude lies in [low, high): at least `wanted` elements reach low, fewer high.
    uint32_t low, high;
    uint64_t reach_low, reach_high;
    uint32_t pivots[LW_SELECT_PIVOTS]; // ascending, from 1; those not needed are UINT32_MAX
    uint64_t reached[LW_SELECT_PIVOTS];
};

// The `wanted` largest of `elements`; wanted <= elements.
void lw_select_start(struct lw_select *select, uint64_t elements, uint64_t wanted);

// The magnitude is known: it is `low`.
static inline bool lw_select_found(const struct lw_select *select)
{
    return !select->wanted || select->high - select->low == 1;
}

// How many of the elements of exactly that magnitude are among the wanted ones, once found.
uint64_t lw_select_ties(const struct lw_select *select);
// Whether those are not all that there are of it.
bool lw_select_splits(const struct lw_select *select);

// Sets pivots around the rank: from `count` magnitudes drawn from all, whose order is changed.
void lw_select_guess(struct lw_select *select, uint32_t *sample, size_t count);
// Sets them so that they tell the elements of the found magnitude from others.
void lw_select_pin(struct lw_select *select);
// Narrows by `reached`: how many of all elements reach each pivot.
void lw_select_narrow(struct lw_select *select);

// The histogram that narrows most: of magnitudes [low, high), bins of 1 << shift.
uint32_t lw_select_shift(const struct lw_select *select);
// Narrows by such a histogram of all elements.
void lw_select_bins(struct lw_select *select, const uint32_t bins[LW_SELECT_BINS]);

// The k-th largest of a few values themselves, k from 1, at most `count`; their order is changed.
uint32_t lw_select_among(uint32_t *values, size_t count, size_t k);

#endif
