// SPDX-License-Identifier: Apache-2.0
// Encoding a piece. Its bytes or characters are symbols in a linked list; a heap holds the pairs
// that can be merged, lowest rank first and leftmost among equals; each merge renews the two pairs
// beside it. A heap entry whose pair has changed meanwhile is passed over. Where no merge joins words,
// a piece of many (a whole text, without a pre-tokenizer) is encoded word by word, which gives the
// same ids. Reading the model: bpe_model.c.
#include "engine/text/bpe.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
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

// The symbols of a piece at the beginning: at most one for each byte.
struct symbols {
    const struct lw_bpe *bpe;
    struct lw_bpe_symbol *items;
    uint32_t count;
    uint32_t waiting; // an unknown token that has not been put yet, or LW_NO_TOKEN
};

static void put_symbol(struct symbols *symbols, uint32_t id)
{
    uint32_t at = symbols->count++;
    symbols->items[at] = (struct lw_bpe_symbol){id, at ? at - 1 : NO_SYMBOL, at + 1, NO_RANK};
}

// Puts the unknown token that waits.
static void put_waiting(struct symbols *symbols)
{
    if (symbols->waiting != LW_NO_TOKEN) {
        put_symbol(symbols, symbols->waiting);
        symbols->waiting = LW_NO_TOKEN;
    }
}

// Byte tokens for a character without one of its own: false unless each byte has one.
static bool put_fallback(struct symbols *symbols, const char *bytes, unsigned length)
{
    const uint32_t *ids = symbols->bpe->fallback_ids;
    for (unsigned i = 0; i < length; i++) {
        if (ids[(unsigned char)bytes[i]] == LW_NO_TOKEN) {
            return false;
        }
    }
    for (unsigned i = 0; i < length; i++) {
        put_symbol(symbols, ids[(unsigned char)bytes[i]]);
    }
    return true;
}

// An unknown token waits until a known character follows, also when byte tokens come between: so HF
// has it.
static void put_unit(struct symbols *symbols, uint32_t id, const char *bytes, unsigned length)
{
    if (id != LW_NO_TOKEN) {
        put_waiting(symbols);
        put_symbol(symbols, id);
    } else if (!put_fallback(symbols, bytes, length)) {
        if (!symbols->bpe->fuse_unknown) {
            put_waiting(symbols);
        }
        symbols->waiting = symbols->bpe->unknown;
    }
}

// The token of the model that is one character, which no added token is.
static uint32_t find_character(const struct lw_bpe *bpe, const char *bytes, unsigned length)
{
    uint32_t id = lw_vocabulary_find(bpe->vocabulary, bytes, length, false);
    return lw_vocabulary_flags(bpe->vocabulary, id) & LW_TOKEN_MODEL ? id : LW_NO_TOKEN;
}

static void put_units(struct symbols *symbols, const char *piece, size_t length)
{
    const struct lw_bpe *bpe = symbols->bpe;
    bool bytes = bpe->vocabulary->byte_level;
    for (size_t at = 0; at < length;) {
        unsigned char first = (unsigned char)piece[at];
        unsigned width = bytes || first < 0x80 ? 1 : lw_utf8_next(piece + at, length - at).length;
        uint32_t id = width == 1 ? bpe->byte_ids[first] : find_character(bpe, piece + at, width);
        put_unit(symbols, id, piece + at, width);
        at += width;
    }
    put_waiting(symbols);
    if (symbols->count > 0) {
        symbols->items[symbols->count - 1].next = NO_SYMBOL;
    }
}

static bool begin_symbols(const struct lw_bpe *bpe, const char *piece, size_t length,
    struct lw_bpe_scratch *scratch, uint32_t *count, struct lw_error *error)
{
    if (length > scratch->symbol_capacity &&
        !lw_reserve(&scratch->symbols, &scratch->symbol_capacity, length, sizeof *scratch->symbols,
            error)) {
        return false;
    }
    struct symbols symbols = {bpe, scratch->symbols, 0, LW_NO_TOKEN};
    put_units(&symbols, piece, length);
    *count = symbols.count;
    scratch->heap_count = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (!renew_pair(bpe, scratch, i, error)) {
            return false;
        }
    }
    return true;
}

static bool encode_word(const struct lw_bpe *bpe, const char *word, size_t length,
    struct lw_bpe_scratch *scratch, struct lw_tokens *out, struct lw_error *error)
{
    if (length <= bpe->longest) {
        uint32_t id = lw_vocabulary_find(bpe->vocabulary, word, length, false);
        if (id != LW_NO_TOKEN && lw_vocabulary_flags(bpe->vocabulary, id) & LW_TOKEN_WHOLE) {
            return lw_tokens_add(out, id, error);
        }
    }
    uint32_t count;
    if (!begin_symbols(bpe, word, length, scratch, &count, error) ||
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

// The bytes of the word at the beginning of a text: it ends before a U+2581 that follows another
// character.
static size_t word_length(const char *text, size_t length)
{
    const size_t width = sizeof LW_WORD_START - 1;
    size_t at = 0;
    while (length - at >= width && memcmp(text + at, LW_WORD_START, width) == 0) {
        at += width;
    }
    while (at < length) {
        const char *next = memchr(text + at, LW_WORD_START[0], length - at);
        at = next ? (size_t)(next - text) : length;
        if (length - at < width || memcmp(text + at, LW_WORD_START, width) == 0) {
            return length - at < width ? length : at;
        }
        at++;
    }
    return length;
}

bool lw_bpe_encode(const struct lw_bpe *bpe, const char *piece, size_t length,
    struct lw_bpe_scratch *scratch, struct lw_tokens *out, struct lw_error *error)
{
    while (length > 0) {
        size_t word = bpe->splits_words ? word_length(piece, length) : length;
        if (!encode_word(bpe, piece, word, scratch, out, error)) {
            return false;
        }
        piece += word;
        length -= word;
    }
    return true;
}

void lw_bpe_scratch_free(struct lw_bpe_scratch *scratch)
{
    lw_free(scratch->symbols);
    lw_free(scratch->heap);
    *scratch = (struct lw_bpe_scratch){0};
}
