// SPDX-License-Identifier: Apache-2.0
// Encoding a piece. Its bytes are symbols in a linked list; a heap holds the pairs that can be
// merged, lowest rank first and leftmost among equals; each merge renews the two pairs beside it.
// A heap entry whose pair has changed meanwhile is passed over. Reading the model: bpe_model.c.
#include "engine/text/bpe.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/bpe_pairs.h"

#define NO_RANK UINT32_MAX
#define NO_SYMBOL UINT32_MAX

struct lw_bpe_symbol {
    uint32_t id;
    uint32_t previous, next; // NO_SYMBOL at the ends
    uint32_t rank;           // of the merge with the next symbol, NO_RANK when there is none
};

static bool heap_push(struct lw_bpe_scratch *scratch, uint64_t key, struct lw_error *error)
{
    if (scratch->heap_count == scratch->heap_capacity &&
        !lw_reserve(&scratch->heap, &scratch->heap_capacity, scratch->heap_count + 1,
            sizeof *scratch->heap, error)) {
        return false;
    }
    uint64_t *heap = scratch->heap;
    size_t at = scratch->heap_count++;
    while (at > 0 && heap[(at - 1) / 2] > key) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = key;
    return true;
}

static uint64_t heap_pop(struct lw_bpe_scratch *scratch)
{
    uint64_t *heap = scratch->heap;
    uint64_t top = heap[0];
    uint64_t last = heap[--scratch->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < scratch->heap_count && heap[child + 1] < heap[child]) {
            child++;
        }
        if (child >= scratch->heap_count || heap[child] >= last) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

// Looks up the pair that begins at `position` and queues it if it merges.
static bool renew_pair(const struct lw_bpe *bpe, struct lw_bpe_scratch *scratch, uint32_t position,
    struct lw_error *error)
{
    struct lw_bpe_symbol *symbol = &scratch->symbols[position];
    symbol->rank = NO_RANK;
    if (symbol->next == NO_SYMBOL) {
        return true;
    }
    const struct lw_bpe_pair *pair =
        lw_bpe_find_pair(bpe, symbol->id, scratch->symbols[symbol->next].id);
    if (!pair) {
        return true;
    }
    symbol->rank = pair->rank;
    return heap_push(scratch, (uint64_t)pair->rank << 32 | position, error);
}

static bool merge_all(
    const struct lw_bpe *bpe, struct lw_bpe_scratch *scratch, struct lw_error *error)
{
    struct lw_bpe_symbol *symbols = scratch->symbols;
    while (scratch->heap_count > 0) {
        uint64_t top = heap_pop(scratch);
        uint32_t position = (uint32_t)top;
        struct lw_bpe_symbol *symbol = &symbols[position];
        if (symbol->rank != top >> 32) {
            continue;
        }
        struct lw_bpe_symbol *right = &symbols[symbol->next];
        symbol->id = bpe->merged[symbol->rank];
        symbol->next = right->next;
        right->rank = NO_RANK;
        if (right->next != NO_SYMBOL) {
            symbols[right->next].previous = position;
        }
        if (!renew_pair(bpe, scratch, position, error)) {
            return false;
        }
        if (symbol->previous != NO_SYMBOL && !renew_pair(bpe, scratch, symbol->previous, error)) {
            return false;
        }
    }
    return true;
}

// One symbol for each byte that has a token. `*count` is how many.
static bool begin_symbols(const struct lw_bpe *bpe, const char *piece, size_t length,
    struct lw_bpe_scratch *scratch, uint32_t *count, struct lw_error *error)
{
    if (length > scratch->symbol_capacity &&
        !lw_reserve(&scratch->symbols, &scratch->symbol_capacity, length, sizeof *scratch->symbols,
            error)) {
        return false;
    }
    *count = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t id = bpe->byte_ids[(unsigned char)piece[i]];
        if (id != LW_NO_TOKEN) {
            scratch->symbols[*count] =
                (struct lw_bpe_symbol){id, *count ? *count - 1 : NO_SYMBOL, *count + 1, NO_RANK};
            (*count)++;
        }
    }
    if (*count > 0) {
        scratch->symbols[*count - 1].next = NO_SYMBOL;
    }
    scratch->heap_count = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (!renew_pair(bpe, scratch, i, error)) {
            return false;
        }
    }
    return true;
}

bool lw_bpe_encode(const struct lw_bpe *bpe, const char *piece, size_t length,
    struct lw_bpe_scratch *scratch, struct lw_tokens *out, struct lw_error *error)
{
    if (length <= bpe->longest) {
        uint32_t id = lw_vocabulary_find(bpe->vocabulary, piece, length, false);
        if (id != LW_NO_TOKEN && lw_vocabulary_flags(bpe->vocabulary, id) & LW_TOKEN_WHOLE) {
            return lw_tokens_add(out, id, error);
        }
    }
    uint32_t count;
    if (!begin_symbols(bpe, piece, length, scratch, &count, error) ||
        !merge_all(bpe, scratch, error)) {
        return false;
    }
    for (uint32_t i = count ? 0 : NO_SYMBOL; i != NO_SYMBOL; i = scratch->symbols[i].next) {
        if (!lw_tokens_add(out, scratch->symbols[i].id, error)) {
            return false;
        }
    }
    return true;
}

void lw_bpe_scratch_free(struct lw_bpe_scratch *scratch)
{
    lw_free(scratch->symbols);
    lw_free(scratch->heap);
    *scratch = (struct lw_bpe_scratch){0};
}
