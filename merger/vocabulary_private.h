// SPDX-License-Identifier: Apache-2.0
// What vocabulary.c (tokens), vocabulary_tokens.c (overrides), vocabulary_rows.c (maps) and
// vocabulary_files.c share.
#ifndef LW_MERGER_VOCABULARY_PRIVATE_H
#define LW_MERGER_VOCABULARY_PRIVATE_H

#include "merger/token_table.h"
#include "merger/vocabulary.h"

enum lw_token_source { LW_TOKEN_ZERO, LW_TOKEN_ROW };

// What the recipe says of a token.
struct lw_token_override {
    uint32_t id; // of the result
    enum lw_token_source source;
    size_t parent; // of LW_TOKEN_ROW
    uint32_t row;
    bool force; // also for models that have the token
};

struct lw_merge_vocabulary {
    struct lw_merge_vocabulary_params params;
    struct lw_token_table *tables; // [params.count], of the parents
    uint64_t *limits;              // [params.count], rows of their embeddings
    struct lw_token_table output;
    const char *folder; // whose tokenizer the result's is, or begins with
    int kept;           // added tokens of the output that the files of `folder` have
    uint64_t rows;
    struct lw_token_override *overrides; // by id
    size_t override_count, override_capacity;
    struct lw_merge_row_map **maps;
    size_t map_count, map_capacity;
};

// The row that a parent has for a text; LW_NO_TOKEN where it has none.
uint32_t lw_merge_token_row(
    const struct lw_merge_vocabulary *vocabulary, size_t parent, const char *text, size_t length);

// Reads params.tokens: tokens that the output lacks are appended to it.
bool lw_merge_read_overrides(struct lw_merge_vocabulary *vocabulary, struct lw_error *error);

// NULL: the recipe says nothing of this token.
const struct lw_token_override *lw_merge_token_override(
    const struct lw_merge_vocabulary *vocabulary, uint32_t id);

#endif
