// SPDX-License-Identifier: Apache-2.0
// The tokens of a model: id to bytes, bytes to id. Ids may have holes. In a byte-level vocabulary
// the tokens are kept as the bytes that they stand for (bytelevel.h), so text needs no conversion
// to be looked up; a token that is not written in that alphabet stands for its own text and is
// `opaque`: no piece of text can be it. In any other vocabulary a token is kept as it is written.
#ifndef LW_TEXT_VOCABULARY_H
#define LW_TEXT_VOCABULARY_H

#include "engine/base/stringbuf.h"
#include "engine/text/tokens.h"

// Ids at and above this are refused, so that a hostile file cannot ask for a table of 2^32 rows.
#define LW_TOKEN_ID_LIMIT (1u << 24)

enum lw_token_flags {
    LW_TOKEN_PRESENT = 1,
    LW_TOKEN_MODEL = 2,    // in the model's vocabulary (else an added token only)
    LW_TOKEN_OPAQUE = 4,   // see above
    LW_TOKEN_SPECIAL = 8,  // an added token that has a meaning and no text
    LW_TOKEN_SKIPPED = 16, // left out of a decoded text on request
    LW_TOKEN_WHOLE = 32    // merging its own bytes gives this token: a piece like it needs no work
};

struct lw_vocabulary {
    bool byte_level;                // set before the first token is added
    struct lw_token_entry *entries; // by id
    size_t count, capacity;         // one past the largest id; rows that have memory
    struct lw_string bytes;         // all tokens one after the other
    uint32_t *slots;                // hash table of ids, LW_NO_TOKEN where empty
    size_t slot_count;              // a power of two
    size_t used;                    // tokens in the table
};

struct lw_token_entry {
    uint32_t offset, length;      // into bytes: what it is found by
    uint32_t shown, shown_length; // into bytes: what it is decoded from
    unsigned flags;               // enum lw_token_flags, 0 in a hole
};

// Zero-initialise before use.
void lw_vocabulary_free(struct lw_vocabulary *vocabulary);

// Replaces what `out` held by the bytes under which this vocabulary keeps the token that
// tokenizer.json writes as `text`.
bool lw_vocabulary_read(const struct lw_vocabulary *vocabulary, struct lw_string *out,
    const char *text, size_t length, bool *opaque, struct lw_error *error);

// Adds a token with `flags` (LW_TOKEN_PRESENT is implied). LW_BAD_INPUT when the id or the token is
// there already or the id is too large.
bool lw_vocabulary_add(struct lw_vocabulary *vocabulary, uint32_t id, const char *bytes,
    size_t length, unsigned flags, struct lw_error *error);

// The id of these bytes among the opaque or the other tokens, or LW_NO_TOKEN.
uint32_t lw_vocabulary_find(
    const struct lw_vocabulary *vocabulary, const char *bytes, size_t length, bool opaque);

// Decodes the token `id`, which must be there, from other bytes than those it is found by.
bool lw_vocabulary_show(struct lw_vocabulary *vocabulary, uint32_t id, const char *bytes,
    size_t length, struct lw_error *error);

// The bytes that a token is decoded from, NULL in a hole and past the end.
const char *lw_vocabulary_bytes(
    const struct lw_vocabulary *vocabulary, uint32_t id, size_t *length);

// 0 in a hole and past the end.
unsigned lw_vocabulary_flags(const struct lw_vocabulary *vocabulary, uint32_t id);

#endif
