// SPDX-License-Identifier: Apache-2.0
// Packing a step's examples into micro-batches. See pack.h.
#include "trainer/data/pack.h"

#include <assert.h>
#include <string.h>

#include "engine/base/alloc.h"

struct lw_pack {
    uint32_t token_budget;
    size_t largest_step;
    const struct lw_example_view *examples; // of the planned step; the caller's
    size_t example_count, batch_count;
    uint32_t *bin;             // [largest_step] micro-batch of each example
    uint32_t *room;            // [largest_step] tokens still free in each micro-batch
    uint32_t *order, *scratch; // [largest_step] examples, longest first
    uint32_t *rotary_row;      // [largest_step] of each example
};

bool lw_batch_create(struct lw_batch **batch, uint32_t token_budget, struct lw_error *error)
{
    size_t header = sizeof **batch, budget = token_budget;
    struct lw_batch *made = lw_calloc(header + budget * 6 * sizeof(uint32_t), 1, error);
    if (!made) {
        return false;
    }
    made->token_budget = token_budget;
    made->tokens = (uint32_t *)(made + 1);
    made->positions = made->tokens + budget;
    made->segment_start = made->positions + budget;
    made->segment_end = made->segment_start + budget;
    made->rotary_row = made->segment_end + budget;
    made->targets = (int32_t *)(made->rotary_row + budget);
    *batch = made;
    return true;
}

void lw_batch_destroy(struct lw_batch **batch)
{
    lw_free(*batch);
    *batch = NULL;
}

bool lw_pack_create(
    struct lw_pack **pack, uint32_t token_budget, size_t largest_step, struct lw_error *error)
{
    struct lw_pack *made = lw_calloc(1, sizeof *made, error);
    uint32_t *memory = made ? lw_calloc(largest_step, 5 * sizeof *memory, error) : NULL;
    if (!memory) {
        lw_free(made);
        return false;
    }
    made->token_budget = token_budget;
    made->largest_step = largest_step;
    made->bin = memory;
    made->room = memory + largest_step;
    made->order = memory + largest_step * 2;
    made->scratch = memory + largest_step * 3;
    made->rotary_row = memory + largest_step * 4;
    *pack = made;
    return true;
}

void lw_pack_destroy(struct lw_pack **pack)
{
    if (*pack) {
        lw_free((*pack)->bin);
        lw_free(*pack);
        *pack = NULL;
    }
}

// Merges the runs [begin, middle) and [middle, end) of `from` into `to`, longer examples first and
// those of the left run first among equals.
static void merge_runs(const struct lw_pack *pack, const uint32_t *from, uint32_t *to, size_t begin,
    size_t middle, size_t end)
{
    size_t left = begin, right = middle;
    for (size_t i = begin; i < end; i++) {
        bool take_left = left < middle && (right == end || pack->examples[from[left]].count >=
                                                               pack->examples[from[right]].count);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

// A merge sort: stable, and without the allocation that qsort may make.
static const uint32_t *sort_longest_first(struct lw_pack *pack)
{
    uint32_t *from = pack->order, *to = pack->scratch;
    size_t count = pack->example_count;
    for (size_t i = 0; i < count; i++) {
        from[i] = (uint32_t)i;
    }
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = middle + width < count ? middle + width : count;
            merge_runs(pack, from, to, begin, middle, end);
        }
        uint32_t *merged = to;
        to = from;
        from = merged;
    }
    return from;
}

// The micro-batch that `length` tokens fill up best, the first of equals; a new one if none fits.
static size_t best_bin(struct lw_pack *pack, size_t length)
{
    size_t best = pack->batch_count;
    for (size_t i = 0; i < pack->batch_count; i++) {
        bool fits = pack->room[i] >= length;
        if (fits && (best == pack->batch_count || pack->room[i] < pack->room[best])) {
            best = i;
        }
    }
    if (best == pack->batch_count) {
        pack->room[pack->batch_count++] = pack->token_budget;
    }
    return best;
}

size_t lw_pack_step(struct lw_pack *pack, const struct lw_example_view *examples, size_t count)
{
    assert(count <= pack->largest_step);
    pack->examples = examples;
    pack->example_count = count;
    pack->batch_count = 0;
    const uint32_t *order = sort_longest_first(pack);
    for (size_t i = 0; i < count; i++) {
        size_t length = examples[order[i]].count;
        assert(length > 0 && length <= pack->token_budget);
        size_t bin = best_bin(pack, length);
        pack->bin[order[i]] = (uint32_t)bin;
        pack->room[bin] -= (uint32_t)length;
        pack->rotary_row[i] = 0;
    }
    return pack->batch_count;
}

void lw_pack_rotate(struct lw_pack *pack, const struct lw_rotary *rotary, size_t together)
{
    size_t count = pack->example_count;
    for (size_t first = 0, end; first < count; first = end) {
        size_t longest = 0;
        end = count - first > together ? first + together : count;
        for (size_t i = first; i < end; i++) {
            longest = pack->examples[i].count > longest ? pack->examples[i].count : longest;
        }
        uint32_t row = lw_rotary_row(rotary, (longest + 7) / 8 * 8);
        for (size_t i = first; i < end; i++) {
            pack->rotary_row[i] = row;
        }
    }
}

struct lw_pack_totals lw_pack_totals(const struct lw_pack *pack)
{
    struct lw_pack_totals totals = {0};
    for (size_t i = 0; i < pack->example_count; i++) {
        const struct lw_example_view *example = &pack->examples[i];
        totals.tokens += example->count;
        for (size_t t = 0; t < example->count; t++) {
            totals.labels += example->trained[t];
            totals.targets += t > 0 && example->trained[t];
        }
    }
    return totals;
}

static void place_example(
    struct lw_batch *batch, const struct lw_example_view *example, uint32_t rotary_row)
{
    uint32_t start = batch->used, end = start + (uint32_t)example->count;
    memcpy(batch->tokens + start, example->ids, example->count * sizeof *example->ids);
    for (uint32_t i = start; i < end; i++) {
        uint32_t next = i - start + 1;
        bool trained = i + 1 < end && example->trained[next];
        batch->positions[i] = i - start;
        batch->segment_start[i] = start;
        batch->segment_end[i] = end;
        batch->rotary_row[i] = rotary_row;
        batch->targets[i] = trained ? (int32_t)example->ids[next] : -1;
        batch->trained += trained;
    }
    batch->used = end;
}

void lw_pack_fill(const struct lw_pack *pack, size_t index, struct lw_batch *batch)
{
    assert(index < pack->batch_count && batch->token_budget == pack->token_budget);
    batch->used = 0;
    batch->trained = 0;
    for (size_t i = 0; i < pack->example_count; i++) {
        if (pack->bin[i] == index) {
            place_example(batch, &pack->examples[i], pack->rotary_row[i]);
        }
    }
    for (uint32_t i = batch->used; i < batch->token_budget; i++) {
        batch->tokens[i] = 0;
        batch->positions[i] = 0;
        batch->segment_start[i] = i;
        batch->segment_end[i] = i + 1;
        batch->rotary_row[i] = 0;
        batch->targets[i] = -1;
    }
}
