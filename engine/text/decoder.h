// SPDX-License-Identifier: Apache-2.0
// The decoder: makes text of tokens, one after the other, so that text can be shown while it is
// generated. Steps in the order of tokenizer.json; each takes the tokens of the step before. HF:
// decoders/, which has all tokens at once; what comes out is the same.
#ifndef LW_TEXT_DECODER_H
#define LW_TEXT_DECODER_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"

// Zero-initialise before use.
struct lw_decoder {
    struct lw_decoder_step *steps;
    size_t count;
    bool is_bytes; // ByteLevel: tokens are written in that alphabet
};

// Reads `json`, the "decoder" of tokenizer.json: ByteLevel, or any of ByteFallback, Fuse, Metaspace,
// Replace and Strip, alone or in a Sequence. LW_BAD_INPUT names what is not supported.
bool lw_decoder_open(struct lw_decoder *decoder, const cJSON *json, struct lw_error *error);
void lw_decoder_close(struct lw_decoder *decoder);

// How far the tokens of one text are decoded; NULL at the beginning.
struct lw_decoding;

void lw_decoding_free(struct lw_decoding *decoding); // NULL is fine

// Appends to `out` the text that has become certain with a token: its bytes in a byte-level
// vocabulary, else the token as it is written. Only whole characters are given out. With ByteFallback
// a run of byte tokens waits for its end, since one that is not UTF-8 as a whole becomes U+FFFD as a
// whole.
bool lw_decoder_push(const struct lw_decoder *decoder, struct lw_decoding **decoding,
    const char *token, size_t length, struct lw_string *out, struct lw_error *error);

// Appends what waits for more tokens.
bool lw_decoder_finish(const struct lw_decoder *decoder, struct lw_decoding **decoding,
    struct lw_string *out, struct lw_error *error);

// Appends what the token gives in the middle of a text: bytes that need not be whole characters.
bool lw_decoder_show(const struct lw_decoder *decoder, const char *token, size_t length,
    struct lw_string *out, struct lw_error *error);

#endif
