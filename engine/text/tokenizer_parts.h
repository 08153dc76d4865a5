// SPDX-License-Identifier: Apache-2.0
// What an open tokenizer consists of. Private: tokenizer_open.c and tokenizer_added.c fill it,
// tokenizer.c and tokenizer_decode.c use it.
#ifndef LW_TEXT_TOKENIZER_PARTS_H
#define LW_TEXT_TOKENIZER_PARTS_H

#include "engine/text/added.h"
#include "engine/text/bpe.h"
#include "engine/text/decoder.h"
#include "engine/text/normalizer.h"
#include "engine/text/pretokenizer.h"
#include "engine/text/tokenizer.h"
#include "engine/text/vocabulary.h"

struct lw_tokenizer {
    struct lw_vocabulary vocabulary;
    struct lw_added added;            // found in the text as it comes
    struct lw_added added_normalized; // found after normalization
    struct lw_normalizer normalizer;
    struct lw_pretokenizer pretokenizer;
    struct lw_bpe bpe;
    struct lw_decoder decoder;
    struct lw_tokens prefix, suffix; // of the post-processor
    uint32_t bos, eos;
};

// Enters "added_tokens". Special tokens come first, as in HF: of two texts that are equal once
// normalized the first counts.
bool lw_tokenizer_read_added(
    struct lw_tokenizer *tokenizer, const cJSON *tokens, struct lw_error *error);

// Makes a tokenizer of a parsed tokenizer.json, without the names of bos and eos.
bool lw_tokenizer_build(struct lw_tokenizer **tokenizer, const cJSON *json, struct lw_error *error);

#endif
