// SPDX-License-Identifier: Apache-2.0
// The tokens of a model folder as texts with ids, of any kind of tokenizer: only which tokens there
// are is read, not how a text is cut into them. Called by vocabulary.c.
#ifndef LW_MERGER_TOKEN_TABLE_H
#define LW_MERGER_TOKEN_TABLE_H

#include <cJSON.h>

#include "engine/text/vocabulary.h"

struct lw_token_table {
    struct lw_vocabulary tokens; // by the texts that tokenizer.json writes; not byte_level
    cJSON *added;                // array of added tokens as in tokenizer.json; owned
    char kind[32];               // "BPE", "Unigram", "WordPiece", "WordLevel"
};

// Reads tokenizer.json, and the added tokens that tokenizer_config.json or added_tokens.json has
// besides: transformers gives them the next ids. LW_BAD_INPUT: no tokenizer.json, a kind that is not
// known, two tokens of one id or one text. `table` is for lw_token_table_free, after a failure as well.
bool lw_token_table_read(struct lw_token_table *table, const char *folder, struct lw_error *error);
void lw_token_table_free(struct lw_token_table *table);

// LW_NO_TOKEN: there is none.
uint32_t lw_token_table_find(const struct lw_token_table *table, const char *text, size_t length);

// Adds a token behind all others, as an added token like `model` (whose id is not looked at), or one
// of no flags where that is NULL.
bool lw_token_table_append(
    struct lw_token_table *table, const char *text, const cJSON *model, struct lw_error *error);

// The entry of an added token, NULL where the token is none.
const cJSON *lw_token_table_added(const cJSON *added, const char *text);

#endif
