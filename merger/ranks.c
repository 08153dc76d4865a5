// SPDX-License-Identifier: Apache-2.0
// See ranks.h. On the host's threads: a rank is a sort, and a radix sort of a row is a handful of walks
// over a first-level cache, for which CPUs are good, while a sort of long rows on a device takes a
// kernel for each step and CPU drivers have no cheap shared memory. A thread takes whole groups of 32
// rows, so that no two write to one word.
#include "merger/ranks.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "engine/base/thread.h"
#include "merger/elements.h"

enum { group_rows = 32, most_threads = 64 };

struct share {
    const struct lw_rank_choice *choice;
    uint32_t first_row, end_row;
    uint32_t *memory; // [4 * columns]
    struct lw_thread *thread;
};

// Sorts `order`, which holds 0, 1, ..., by keys, stable; the result is in `order`.
static void sort_row(const uint32_t *keys, uint32_t *order, uint32_t *other, uint32_t count)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        uint32_t starts[256] = {0}, sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            starts[keys[i] >> shift & 0xff]++;
        }
        if (starts[keys[0] >> shift & 0xff] == count) {
            continue;
        }
        for (int bin = 0; bin < 256; bin++) {
            uint32_t size = starts[bin];
            starts[bin] = sum;
            sum += size;
        }
        for (uint32_t i = 0; i < count; i++) {
            other[starts[keys[order[i]] >> shift & 0xff]++] = order[i];
        }
        memcpy(order, other, count * sizeof *order);
    }
}

static void choose_row(const struct lw_rank_choice *choice, uint32_t row, uint32_t *memory)
{
    uint32_t columns = choice->columns;
    uint32_t *keys = memory, *order = keys + columns, *other = order + columns,
             *limits = other + columns;
    uint64_t begin = (uint64_t)row * columns;
    for (uint32_t c = 0; c < columns; c++) {
        keys[c] = lw_difference_bits(&choice->x, &choice->base, begin + c);
        order[c] = c;
    }
    sort_row(keys, order, other, columns);
    double low = choice->density - choice->epsilon, spread = 2 * choice->epsilon;
    for (uint32_t rank = 0; rank < columns; rank++) {
        // A row of one element has no ranks: the density itself.
        double share = columns > 1 ? (double)rank / (double)(columns - 1) : 0.5;
        limits[order[rank]] = (uint32_t)((low + share * spread) * 0x1p32);
    }
    uint32_t drawn[4] = {0};
    const uint32_t key[] = {(uint32_t)choice->seed, (uint32_t)(choice->seed >> 32)};
    for (uint32_t c = 0; c < columns; c++) {
        uint64_t i = choice->first + begin + c, block = i / 4;
        if (c == 0 || i % 4 == 0) {
            const uint32_t counter[] = {(uint32_t)block, (uint32_t)(block >> 32),
                (uint32_t)choice->stream, (uint32_t)(choice->stream >> 32)};
            lw_philox4x32(counter, key, drawn);
        }
        uint64_t bit = begin + c;
        choice->words[bit / 32] |= (uint32_t)(drawn[i % 4] < limits[c]) << (bit % 32);
    }
}

static void choose_rows(void *context)
{
    struct share *share = context;
    for (uint32_t row = share->first_row; row < share->end_row; row++) {
        choose_row(share->choice, row, share->memory);
    }
}

bool lw_rank_choose(const struct lw_rank_choice *choice, struct lw_error *error)
{
    struct share shares[most_threads] = {0};
    uint32_t groups = (choice->rows + group_rows - 1) / group_rows;
    unsigned cores = lw_thread_core_count();
    uint32_t count = cores < most_threads ? cores : most_threads;
    count = count < groups ? count : groups;
    uint64_t words = ((uint64_t)choice->rows * choice->columns + 31) / 32;
    memset(choice->words, 0, words * sizeof *choice->words);
    uint32_t *memory = lw_calloc((size_t)count * 4 * choice->columns, sizeof *memory, error);
    bool done = memory != NULL;
    for (uint32_t i = 0; done && i < count; i++) {
        uint64_t end = (uint64_t)groups * (i + 1) / count * group_rows;
        shares[i] = (struct share){.choice = choice,
            .first_row = (uint32_t)((uint64_t)groups * i / count * group_rows),
            .end_row = end < choice->rows ? (uint32_t)end : choice->rows,
            .memory = memory + (size_t)i * 4 * choice->columns};
        if (i + 1 == count) {
            choose_rows(&shares[i]);
        } else {
            done = lw_thread_create(&shares[i].thread, choose_rows, &shares[i], error);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        lw_thread_join(shares[i].thread);
    }
    lw_free(memory);
    return done;
}
