// SPDX-License-Identifier: Apache-2.0
// Encoding: added tokens are cut out, the text between them is normalized, added tokens that are
// looked for in normalized text are cut out, the rest is cut into pieces, and the model makes ids
// of each piece (HF: tokenizer/mod.rs, encode_single_sequence). All memory of a call is its own.
#include "engine/text/tokenizer.h"

#include <string.h>

#include "engine/base/utf8.h"
#include "engine/text/bytelevel.h"
#include "engine/text/tokenizer_parts.h"

// Positions in a piece are 32 bits wide.
#define LONGEST_TEXT ((size_t)1 << 30)

// One call of encode.
struct encoding {
    const struct lw_tokenizer *tokenizer;
    bool plain; // special tokens are text
    struct lw_tokens *out;
    struct lw_error *error;
    struct lw_added_parts parts, normalized_parts;
    struct lw_normalized normalized;
    struct lw_pieces pieces;
    struct lw_bpe_scratch scratch;
};

// `first` tells that the whole text begins with this one.
static bool encode_pieces(struct encoding *encoding, struct lw_text text, bool first)
{
    struct lw_pieces *pieces = &encoding->pieces;
    if (!lw_pretokenizer_run(&encoding->tokenizer->pretokenizer, text.bytes, text.length, first,
            pieces, encoding->error)) {
        return false;
    }
    for (size_t i = 0; i < pieces->count; i++) {
        struct lw_piece piece = pieces->items[i];
        if (piece.start != piece.end &&
            !lw_bpe_encode(&encoding->tokenizer->bpe, pieces->text + piece.start,
                piece.end - piece.start, &encoding->scratch, encoding->out, encoding->error)) {
            return false;
        }
    }
    return true;
}

// Text without the added tokens that are found before normalization: normalized by itself.
static bool encode_text(struct encoding *encoding, struct lw_text text, bool first)
{
    const struct lw_tokenizer *tokenizer = encoding->tokenizer;
    struct lw_added_parts *parts = &encoding->normalized_parts;
    if (!lw_normalizer_run(&tokenizer->normalizer, &text, &encoding->normalized, encoding->error) ||
        !lw_added_split(&tokenizer->added_normalized, text.bytes, text.length, encoding->plain,
            parts, encoding->error)) {
        return false;
    }
    for (size_t i = 0; i < parts->count; i++) {
        struct lw_added_part part = parts->items[i];
        struct lw_text between = {text.bytes + part.start, part.end - part.start, false};
        bool begins = first && !text.cut && part.start == 0;
        bool done = part.id != LW_NO_TOKEN ? lw_tokens_add(encoding->out, part.id, encoding->error)
                                           : encode_pieces(encoding, between, begins);
        if (!done) {
            return false;
        }
    }
    return true;
}

static bool encode_parts(struct encoding *encoding, const char *text, size_t length)
{
    struct lw_added_parts *parts = &encoding->parts;
    if (!lw_added_split(
            &encoding->tokenizer->added, text, length, encoding->plain, parts, encoding->error)) {
        return false;
    }
    for (size_t i = 0; i < parts->count; i++) {
        struct lw_added_part part = parts->items[i];
        struct lw_text between = {text + part.start, part.end - part.start, false};
        bool done = part.id != LW_NO_TOKEN ? lw_tokens_add(encoding->out, part.id, encoding->error)
                                           : encode_text(encoding, between, part.start == 0);
        if (!done) {
            return false;
        }
    }
    return true;
}

static bool encode(const struct lw_tokenizer *tokenizer, struct lw_text text, bool plain,
    struct lw_tokens *out, struct lw_error *error)
{
    size_t bad = lw_utf8_valid_length(text.bytes, text.length);
    if (bad < text.length) {
        return lw_fail(error, LW_BAD_INPUT, "The text is not UTF-8: byte %zu (0x%02X) is wrong.",
            bad, (unsigned char)text.bytes[bad]);
    }
    if (text.length > LONGEST_TEXT) {
        return lw_fail(error, LW_BAD_INPUT,
            "The text has %zu bytes, and %zu is the most that can be encoded at once.", text.length,
            LONGEST_TEXT);
    }
    struct encoding encoding = {.tokenizer = tokenizer, .plain = plain, .out = out, .error = error};
    size_t before = out->count;
    bool done = encode_parts(&encoding, text.bytes, text.length);
    if (!done) {
        out->count = before;
    }
    lw_added_free_parts(&encoding.parts);
    lw_added_free_parts(&encoding.normalized_parts);
    lw_normalized_free(&encoding.normalized);
    lw_pieces_free(&encoding.pieces);
    lw_bpe_scratch_free(&encoding.scratch);
    return done;
}

bool lw_tokenizer_encode(const struct lw_tokenizer *tokenizer, const char *text, size_t length,
    struct lw_tokens *out, struct lw_error *error)
{
    return encode(tokenizer, (struct lw_text){text, length, false}, false, out, error);
}

bool lw_tokenizer_encode_plain(const struct lw_tokenizer *tokenizer, const char *text,
    size_t length, struct lw_tokens *out, struct lw_error *error)
{
    return encode(tokenizer, (struct lw_text){text, length, false}, true, out, error);
}

const struct lw_tokens *lw_tokenizer_prefix(const struct lw_tokenizer *tokenizer)
{
    return &tokenizer->prefix;
}

const struct lw_tokens *lw_tokenizer_suffix(const struct lw_tokenizer *tokenizer)
{
    return &tokenizer->suffix;
}

uint32_t lw_tokenizer_size(const struct lw_tokenizer *tokenizer)
{
    return (uint32_t)tokenizer->vocabulary.count;
}

uint32_t lw_tokenizer_token_id(const struct lw_tokenizer *tokenizer, const char *text)
{
    char bytes[LW_TOKEN_TEXT_LIMIT];
    bool opaque;
    size_t length = strlen(text);
    if (length > sizeof bytes) {
        return LW_NO_TOKEN;
    }
    if (!tokenizer->vocabulary.byte_level) {
        return lw_vocabulary_find(&tokenizer->vocabulary, text, length, false);
    }
    length = lw_bytelevel_map(bytes, text, length, &opaque);
    return lw_vocabulary_find(&tokenizer->vocabulary, bytes, length, opaque);
}

bool lw_tokenizer_is_special(const struct lw_tokenizer *tokenizer, uint32_t id)
{
    return lw_vocabulary_flags(&tokenizer->vocabulary, id) & LW_TOKEN_SPECIAL;
}

uint32_t lw_tokenizer_bos(const struct lw_tokenizer *tokenizer)
{
    return tokenizer->bos;
}

uint32_t lw_tokenizer_eos(const struct lw_tokenizer *tokenizer)
{
    return tokenizer->eos;
}
