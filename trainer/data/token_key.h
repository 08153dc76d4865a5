// SPDX-License-Identifier: Apache-2.0
// The text that says what a token cache was made from and how: two caches hold the same examples if
// and only if their keys are the same. It is kept in the cache and can be read by people. Called by
// token_store.c and token_build.c.
#ifndef LW_TRAINER_DATA_TOKEN_KEY_H
#define LW_TRAINER_DATA_TOKEN_KEY_H

#include "trainer/data/encoder.h"

struct lw_string;

// Appends how records are read: their layout, columns and tags.
bool lw_token_key_format(
    struct lw_string *key, const struct lw_record_format *format, struct lw_error *error);

// Appends how they are encoded: the template, what decides truncation and mask, the content of the
// tokenizer's files in `model_folder`, and a hash of what a few conversations with system prompt,
// tools, thoughts and other scripts come out as, whole and cut. Through the last, an option or a
// change of the program that alters tokens alters the key, even if nobody thought of naming it here.
// Without a tokenizer `model_folder` does not matter.
bool lw_token_key_encoding(struct lw_string *key, const struct lw_encoder_params *params,
    const char *model_folder, struct lw_error *error);

// Appends a file by the XXH64 of its bytes.
bool lw_token_key_file(struct lw_string *key, uint64_t size, uint64_t hash, struct lw_error *error);

#endif
