// SPDX-License-Identifier: Apache-2.0
// Packs of examples. See knapsack.h.
#include "trainer/data/knapsack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

// An example to be packed; `place` is where it stands among those that are packed together.
struct item {
    uint32_t length, place;
};

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

// How many of the sorted items are no longer than `room`.
static size_t count_fitting(const struct item *items, size_t count, uint32_t room)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (items[middle].length <= room) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

bool lw_packs_add(struct lw_packs *packs, const uint32_t *examples, const uint32_t *lengths,
    size_t count, uint32_t capacity, struct lw_error *error)
{
    struct item *items = lw_calloc(count, sizeof *items, error);
    if (!items ||
        !lw_reserve(&packs->members, &packs->member_capacity, packs->member_count + count,
            sizeof *packs->members, error) ||
        !lw_reserve(
            &packs->ends, &packs->capacity, packs->count + count, sizeof *packs->ends, error)) {
        lw_free(items);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        assert(lengths[i] <= capacity);
        items[i] = (struct item){lengths[i], (uint32_t)i};
    }
    qsort(items, count, sizeof *items, compare_items);
    while (count) {
        uint32_t room = capacity;
        size_t fitting = count_fitting(items, count, room);
        for (; fitting; fitting = count_fitting(items, count, room)) {
            struct item *taken = &items[fitting - 1];
            room -= taken->length;
            packs->members[packs->member_count++] = examples[taken->place];
            memmove(taken, taken + 1, (count - fitting) * sizeof *taken);
            count--;
        }
        packs->ends[packs->count++] = (uint32_t)packs->member_count;
    }
    lw_free(items);
    return true;
}

void lw_packs_free(struct lw_packs *packs)
{
    lw_free(packs->members);
    lw_free(packs->ends);
    *packs = (struct lw_packs){0};
}

const uint32_t *lw_packs_at(const struct lw_packs *packs, size_t index, size_t *count)
{
    size_t begin = index ? packs->ends[index - 1] : 0;
    *count = packs->ends[index] - begin;
    return packs->members + begin;
}

size_t lw_packs_batch_end(size_t rows, size_t workers, size_t batch, size_t begin)
{
    // The first rows % workers shards have a row more than the others.
    workers = workers > rows ? rows : workers ? workers : 1;
    size_t small = rows / workers, larger = rows % workers;
    size_t border = larger * (small + 1);
    size_t size = begin < border ? small + 1 : small, first = begin < border ? 0 : border;
    size_t shard_begin = first + (begin - first) / size * size;
    size_t end = begin + batch, shard_end = shard_begin + size;
    return end < shard_end ? end : shard_end;
}
