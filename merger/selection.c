// SPDX-License-Identifier: Apache-2.0
// See selection.h. Counts come in pieces of LW_COUNT_PIECE elements and are kept, four bytes for each
// 2048 elements and cut, because they also tell in which piece the wanted elements of the cut's own
// magnitude end.
#include "merger/selection.h"

#include <string.h>

#include "engine/base/alloc.h"

_Static_assert(
    (int)LW_SELECT_PIVOTS == (int)LW_COUNT_PIVOTS && (int)LW_SELECT_BINS == (int)LW_HISTOGRAM_BINS,
    "host and device count alike");

#define BINS_BYTES ((uint64_t)LW_HISTOGRAM_BINS * sizeof(uint32_t))
#define COUNTS_BYTES (LW_COUNT_PIVOTS * sizeof(uint32_t))

struct cut {
    struct lw_select select;
    bool counted;     // by the pass that goes on
    uint32_t *counts; // [pieces][LW_COUNT_PIVOTS] of the last pass that counted
    size_t capacity;
    // Where the wanted ones of the cut's own magnitude end: the rank-th of them in that piece.
    bool located;
    uint64_t piece_first;
    uint32_t rank;
};

struct lw_selection {
    struct cut *cuts;
    size_t count;
    uint64_t *starts; // [piece_count]: the pieces' first elements
    size_t piece_count, capacity;
};

bool lw_selection_create(
    struct lw_selection **out, uint64_t elements, size_t cuts, struct lw_error *error)
{
    struct lw_selection *selection = *out = lw_calloc(1, sizeof *selection, error);
    if (!selection) {
        return false;
    }
    selection->cuts = lw_calloc(cuts, sizeof *selection->cuts, error);
    if (!selection->cuts) {
        return false;
    }
    selection->count = cuts;
    for (size_t i = 0; i < cuts; i++) {
        lw_select_start(&selection->cuts[i].select, elements, elements);
    }
    return true;
}

void lw_selection_destroy(struct lw_selection *selection)
{
    if (!selection) {
        return;
    }
    for (size_t i = 0; i < selection->count; i++) {
        lw_free(selection->cuts[i].counts);
    }
    lw_free(selection->cuts);
    lw_free(selection->starts);
    lw_free(selection);
}

struct lw_select *lw_selection_cut(struct lw_selection *selection, size_t i)
{
    return &selection->cuts[i].select;
}

static uint64_t piece_count(uint64_t elements)
{
    return (elements + LW_COUNT_PIECE - 1) / LW_COUNT_PIECE;
}

uint64_t lw_selection_statistics(size_t cuts, uint64_t part)
{
    uint64_t counts = piece_count(part) * COUNTS_BYTES;
    return cuts * (counts > BINS_BYTES ? counts : BINS_BYTES);
}

static bool is_split(const struct cut *cut)
{
    return lw_select_found(&cut->select) && lw_select_splits(&cut->select);
}

static bool counts_in(enum lw_merge_pass pass)
{
    return pass == LW_PASS_PIVOTS || pass == LW_PASS_EQUAL;
}

// Before a pass's first part: which cuts it is for.
static void begin_pass(struct lw_selection *selection, enum lw_merge_pass pass)
{
    selection->piece_count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        struct cut *cut = &selection->cuts[i];
        bool open = !lw_select_found(&cut->select);
        cut->counted = pass == LW_PASS_EQUAL ? is_split(cut) && !cut->located : open;
        if (pass == LW_PASS_EQUAL && cut->counted) {
            lw_select_pin(&cut->select);
        }
    }
}

void lw_selection_record(struct lw_selection *selection, enum lw_merge_pass pass,
    const struct lw_task_magnitudes *magnitudes, const struct lw_merge_part *part,
    const struct lw_merge_space *space, struct lw_stream *stream)
{
    if (part->first == 0) {
        begin_pass(selection, pass);
    }
    uint64_t counts = piece_count(part->count) * COUNTS_BYTES;
    for (size_t i = 0; i < selection->count; i++) {
        struct cut *cut = &selection->cuts[i];
        if (!cut->counted) {
            continue;
        }
        if (counts_in(pass)) {
            struct lw_buffer target = lw_buffer_part(&space->statistics, i * counts, counts);
            lw_task_count(stream, &magnitudes[i], cut->select.pivots, &target);
            continue;
        }
        struct lw_task_histogram histogram = {.low = cut->select.low,
            .width = cut->select.high - cut->select.low,
            .shift = lw_select_shift(&cut->select),
            .bins = lw_buffer_part(&space->statistics, i * BINS_BYTES, BINS_BYTES)};
        if (part->first == 0) {
            lw_stream_fill(stream, &histogram.bins, 0);
        }
        lw_task_histogram(stream, &magnitudes[i], &histogram);
    }
}

bool lw_selection_collect(struct lw_selection *selection, enum lw_merge_pass pass,
    const struct lw_merge_part *part, const struct lw_merge_space *space, struct lw_error *error)
{
    if (!counts_in(pass)) {
        return true; // bins add up on the device
    }
    size_t old = selection->piece_count, pieces = piece_count(part->count);
    if (!lw_reserve(&selection->starts, &selection->capacity, old + pieces,
            sizeof *selection->starts, error)) {
        return false;
    }
    for (size_t p = 0; p < pieces; p++) {
        selection->starts[old + p] = part->first + p * LW_COUNT_PIECE;
    }
    selection->piece_count += pieces;
    for (size_t i = 0; i < selection->count; i++) {
        struct cut *cut = &selection->cuts[i];
        if (!cut->counted) {
            continue;
        }
        if (!lw_reserve(&cut->counts, &cut->capacity, old + pieces, COUNTS_BYTES, error)) {
            return false;
        }
        memcpy(cut->counts + old * LW_COUNT_PIVOTS,
            (const char *)space->statistics.mapped + i * pieces * COUNTS_BYTES,
            pieces * COUNTS_BYTES);
    }
    return true;
}

void lw_selection_total(struct lw_selection *selection, enum lw_merge_pass pass)
{
    for (size_t i = 0; i < selection->count && counts_in(pass); i++) {
        struct cut *cut = &selection->cuts[i];
        memset(cut->select.reached, 0, sizeof cut->select.reached);
        for (size_t p = 0; p < selection->piece_count && cut->counted; p++) {
            for (size_t j = 0; j < LW_COUNT_PIVOTS; j++) {
                cut->select.reached[j] += cut->counts[p * LW_COUNT_PIVOTS + j];
            }
        }
    }
}

// Finds the piece in which the wanted elements of the cut's own magnitude end, if the last counts
// tell: they do where both that magnitude, or 0, and the next one were pivots.
static void locate(const struct lw_selection *selection, struct cut *cut)
{
    const struct lw_select *select = &cut->select;
    size_t at = 0, above = 0;
    while (at < LW_COUNT_PIVOTS && select->pivots[at] != select->low) {
        at++;
    }
    while (above < LW_COUNT_PIVOTS && select->pivots[above] != select->low + 1) {
        above++;
    }
    if (above == LW_COUNT_PIVOTS || (at == LW_COUNT_PIVOTS && select->low != 0)) {
        return;
    }
    uint64_t left = lw_select_ties(select);
    for (size_t p = 0; p < selection->piece_count; p++) {
        const uint32_t *counts = cut->counts + p * LW_COUNT_PIVOTS;
        uint64_t end = p + 1 < selection->piece_count ? selection->starts[p + 1] : select->elements;
        uint64_t reach = select->low ? counts[at] : end - selection->starts[p];
        uint64_t equal = reach - counts[above];
        if (left <= equal) {
            cut->located = true;
            cut->piece_first = selection->starts[p];
            cut->rank = (uint32_t)left;
            return;
        }
        left -= equal;
    }
}

uint32_t lw_selection_end(struct lw_selection *selection, enum lw_merge_pass pass, uint32_t passes,
    const struct lw_merge_space *space)
{
    bool all_found = true, all_located = true;
    for (size_t i = 0; i < selection->count; i++) {
        struct cut *cut = &selection->cuts[i];
        if (cut->counted && counts_in(pass)) {
            lw_select_narrow(&cut->select);
            if (is_split(cut)) {
                locate(selection, cut);
            }
        } else if (cut->counted) {
            lw_select_bins(
                &cut->select, (const uint32_t *)space->statistics.mapped + i * LW_HISTOGRAM_BINS);
        }
        all_found = all_found && lw_select_found(&cut->select);
        all_located = all_located && all_found && (!is_split(cut) || cut->located);
    }
    if (all_found) {
        passes &= ~(1u << LW_PASS_BRACKET | 1u << LW_PASS_EXACT);
    }
    return all_located ? passes & ~(1u << LW_PASS_EQUAL) : passes;
}

void lw_selection_set_cut(struct lw_selection *selection, size_t i,
    const struct lw_task_magnitudes *magnitudes, const struct lw_merge_part *part,
    const struct lw_buffer *tables, uint64_t offset, struct lw_stream *stream)
{
    struct cut *cut = &selection->cuts[i];
    struct lw_task_cut *target = (void *)((char *)tables->mapped + offset);
    *target = (struct lw_task_cut){UINT32_MAX, 0}; // nothing comes before it
    if (!cut->select.wanted) {
        return;
    }
    *target = (struct lw_task_cut){cut->select.low, UINT32_MAX};
    if (!cut->located || part->first + part->count <= cut->piece_first) {
        return;
    }
    target->index = 0;
    if (part->first > cut->piece_first) {
        return;
    }
    uint64_t first = cut->piece_first - part->first, rest = part->count - first;
    struct lw_task_find find = {.first = (uint32_t)first,
        .count = rest < LW_COUNT_PIECE ? (uint32_t)rest : LW_COUNT_PIECE,
        .bits = cut->select.low,
        .rank = cut->rank,
        .target =
            lw_buffer_part(tables, offset + offsetof(struct lw_task_cut, index), sizeof(uint32_t))};
    lw_task_find(stream, magnitudes, &find);
}
