// SPDX-License-Identifier: Apache-2.0
// The pre-tokenizer: cuts text into the pieces that the model encodes one by one. Steps in the
// order of tokenizer.json; each cuts every piece of the step before. None: the text is one piece.
// HF: pre_tokenizers/.
#ifndef LW_TEXT_PRETOKENIZER_H
#define LW_TEXT_PRETOKENIZER_H

#include <cJSON.h>
#include <stddef.h>

#include "engine/base/stringbuf.h"
#include "engine/text/pattern.h"

struct lw_pretokenizer {
    struct lw_pretokenizer_step *steps;
    size_t count, capacity;
    bool is_bytes;    // it ends in ByteLevel: the model's tokens are written in that alphabet
    bool knows_first; // a piece with which everything begins is treated differently
};

struct lw_piece {
    size_t start, end; // bytes of lw_pieces.text; a piece may be empty and is then to be ignored
};

// The result of a run, and its memory; zero-initialise, keep for the next text.
struct lw_pieces {
    const char *text; // the text given, or a rewritten copy
    struct lw_piece *items;
    size_t count, capacity;
    struct lw_piece *before; // the pieces of the step before
    size_t before_count, before_capacity;
    struct lw_string copies[2];
    struct lw_matcher matcher;
};

// Reads `json`, the "pre_tokenizer" of tokenizer.json, NULL where it is absent. LW_BAD_INPUT names
// what is not supported.
bool lw_pretokenizer_open(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error);
void lw_pretokenizer_close(struct lw_pretokenizer *pretokenizer);

// Cuts `length` bytes of UTF-8; `first` tells that everything begins with them. The pieces point
// into `text` or into memory of `pieces`.
bool lw_pretokenizer_run(const struct lw_pretokenizer *pretokenizer, const char *text,
    size_t length, bool first, struct lw_pieces *pieces, struct lw_error *error);

void lw_pieces_free(struct lw_pieces *pieces);

#endif
