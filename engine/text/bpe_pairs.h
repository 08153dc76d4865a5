// SPDX-License-Identifier: Apache-2.0
// What the parts of the BPE model share: the table of merges that bpe_merges.c fills and bpe.c asks,
// and what bpe_model.c and bpe_merges.c read tokens with. Private to these three.
#ifndef LW_TEXT_BPE_PAIRS_H
#define LW_TEXT_BPE_PAIRS_H

#include "engine/text/bpe.h"

// The character that SentencePiece writes for a space, U+2581.
#define LW_WORD_START "\xE2\x96\x81"

// A token as tokenizer.json writes it, a slice of its text.
struct lw_token_text {
    const char *text;
    size_t length;
};

// The id of a token of the model; LW_BAD_INPUT names one that is not there.
bool lw_bpe_find_token(const struct lw_bpe *bpe, uint32_t *id, const struct lw_token_text *token,
    struct lw_string *scratch, struct lw_error *error);

bool lw_token_ends_with_word_start(const struct lw_token_text *token);

// Reads the array of merges. The vocabulary must be there.
bool lw_bpe_read_merges(struct lw_bpe *bpe, const cJSON *merges, struct lw_error *error);

// The slot where a pair is or belongs. The table must have a free slot.
static inline struct lw_bpe_pair *lw_bpe_pair_slot(
    const struct lw_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (hash >> 32) & (bpe->pair_slots - 1);
    while (bpe->pairs[slot].left != LW_NO_TOKEN &&
           (bpe->pairs[slot].left != left || bpe->pairs[slot].right != right)) {
        slot = (slot + 1) & (bpe->pair_slots - 1);
    }
    return &bpe->pairs[slot];
}

// The merge of two tokens, or NULL.
static inline const struct lw_bpe_pair *lw_bpe_find_pair(
    const struct lw_bpe *bpe, uint32_t left, uint32_t right)
{
    const struct lw_bpe_pair *pair = bpe->pair_slots ? lw_bpe_pair_slot(bpe, left, right) : NULL;
    return pair && pair->left != LW_NO_TOKEN ? pair : NULL;
}

#endif
