// SPDX-License-Identifier: Apache-2.0
// The table of merges that bpe_model.c fills and bpe.c asks. Private to these two.
#ifndef LW_TEXT_BPE_PAIRS_H
#define LW_TEXT_BPE_PAIRS_H

#include "engine/text/bpe.h"

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
