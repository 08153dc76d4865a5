// SPDX-License-Identifier: Apache-2.0
// The small tokenizers of tests/data for the tests of this folder.
#ifndef LW_TESTS_UNIT_TEXT_SMALL_H
#define LW_TESTS_UNIT_TEXT_SMALL_H

#include <cJSON.h>

#include "engine/text/tokenizer.h"

// The parsed tokenizer.json of one ("qwen2", "phi3"), for cJSON_Delete.
cJSON *small_json_named(const char *name);
cJSON *small_json(void); // qwen2

// Itself, open, for lw_tokenizer_close.
struct lw_tokenizer *small_tokenizer_named(const char *name);
struct lw_tokenizer *small_tokenizer(void); // qwen2

// Fails the test unless `error` is of the status and its message holds `words`; clears it.
void small_expect(struct lw_error *error, enum lw_status status, const char *words);

// Builds the tokenizer of that name, and encodes and decodes `text`, with each allocation failing in
// turn: nothing else may come of it than LW_NO_RESOURCE. Decoded it is `shown`.
void small_check_memory(const char *name, const char *text, const char *shown);

#endif
