// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding: pieces of text to token ids by the merges of a vocabulary, as HF's BPE model
// does it. A piece begins as its bytes (byte-level vocabularies) or its characters (others, as
// SentencePiece makes them). The time for a piece of n bytes is O(n log n).
#ifndef LW_TEXT_BPE_H
#define LW_TEXT_BPE_H

#include <cJSON.h>

#include "engine/text/vocabulary.h"

struct lw_bpe_pair {
    uint32_t left, right; // LW_NO_TOKEN, LW_NO_TOKEN: an empty slot
    uint32_t rank;        // the smallest merges first
};

struct lw_bpe {
    const struct lw_vocabulary *vocabulary; // not owned
    uint32_t byte_ids[256];                 // the token of each single byte, or LW_NO_TOKEN
    uint32_t fallback_ids[256];             // the byte tokens <0x00> to <0xFF>, or LW_NO_TOKEN
    uint32_t unknown;                       // stands for what has no token; LW_NO_TOKEN: nothing
    bool fuse_unknown;                      // one for a run of them
    bool splits_words;         // no merge joins a U+2581 to another character before it
    size_t longest;            // bytes of the longest token of the model
    struct lw_bpe_pair *pairs; // hash table by (left, right)
    size_t pair_slots;         // a power of two, or 0
    uint32_t *merged;          // by rank: what the pair becomes
};

// What encoding one piece needs; zero-initialise, keep for the next piece.
struct lw_bpe_scratch {
    struct lw_bpe_symbol *symbols;
    uint64_t *heap; // rank << 32 | position of a pair to merge
    size_t symbol_capacity, heap_count, heap_capacity;
};

// Reads `model` (the "model" object of tokenizer.json): fills `vocabulary` with its tokens, and
// keeps a pointer to it, which must stay valid. Anything but a BPE without dropout, prefixes and
// suffixes is refused by name, and byte_fallback in a byte-level vocabulary.
bool lw_bpe_open(struct lw_bpe *bpe, struct lw_vocabulary *vocabulary, const cJSON *model,
    struct lw_error *error);
void lw_bpe_close(struct lw_bpe *bpe);

// Appends the ids of a piece (bytes of text, not their byte-level spelling). A character (or byte)
// that has no token gives its byte tokens, else the unknown token, else none, as in HF.
bool lw_bpe_encode(const struct lw_bpe *bpe, const char *piece, size_t length,
    struct lw_bpe_scratch *scratch, struct lw_tokens *out, struct lw_error *error);

void lw_bpe_scratch_free(struct lw_bpe_scratch *scratch);

#endif
