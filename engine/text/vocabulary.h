// SPDX-License-Identifier: Apache-2.0
// The tokens of a model: id to bytes, bytes to id. Ids may have holes. In a byte-level vocabulary
// the tokens are kept as the bytes that they stand for (bytelevel.h), so text needs no conversion
// to be looked up; a token that is not written in that alphabet stands for its own text and is
// `opaque`: no piece of text can be it.
#ifndef LW_TEXT_VOCABULARY_H
#define LW_TEXT_VOCABULARY_H

#include "engine/base/stringbuf.h"
#include "engine/text/tokens.h"

// Ids at and above this are refused, so that a hostile file cannot ask for a table of 2^32 rows.
#define LW_TOKEN_ID_LIMIT (1u << 24)

enum lw_token_flags {
    LW_TOKEN_PRESENT = 1,
    LW_TOKEN_MODEL = 2,   // in the model's vocabulary (else an added token only)
    LW_TOKEN_OPAQUE = 4,  // see above
    LW_TOKEN_SPECIAL = 8, // left out of a decoded text on request
    LW_TOKEN_WHOLE = 16   // merging its own bytes gives this token: a piece like it needs no work
};

struct lw_vocabulary {
    struct lw_token_entry *entries; // by id
    size_t count, capacity;         // one past the largest id; rows that have memory
    struct lw_string bytes;         // all tokens one after the other
    uint32_t *slots;                // hash table of ids, LW_NO_TOKEN where empty
    size_t slot_count;              // a power of two
    size_t used;                    // tokens in the table
};

struct lw_token_entry {
    uint32_t offset, length; // into bytes
    unsigned flags;          // enum lw_token_flags, 0 in a hole
};

// Zero-initialise before use.
void lw_vocabulary_free(struct lw_vocabulary *vocabulary);

// Adds a token with `flags` (LW_TOKEN_PRESENT is implied). LW_BAD_INPUT when the id or the token is
// there already or the id is too large.
bool lw_vocabulary_add(struct lw_vocabulary *vocabulary, uint32_t id, const char *bytes,
    size_t length, unsigned flags, struct lw_error *error);

// The id of these bytes among the opaque or the other tokens, or LW_NO_TOKEN.
uint32_t lw_vocabulary_find(
    const struct lw_vocabulary *vocabulary, const char *bytes, size_t length, bool opaque);

// The bytes of a token, NULL in a hole and past the end.
const char *lw_vocabulary_bytes(
    const struct lw_vocabulary *vocabulary, uint32_t id, size_t *length);

// 0 in a hole and past the end.
unsigned lw_vocabulary_flags(const struct lw_vocabulary *vocabulary, uint32_t id);

#endif
