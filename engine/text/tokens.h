// SPDX-License-Identifier: Apache-2.0
// A growing list of token ids: what the tokenizer appends to and everything after it reads.
#ifndef LW_TEXT_TOKENS_H
#define LW_TEXT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// No token: what look-ups give when there is none.
#define LW_NO_TOKEN UINT32_MAX

// Zero-initialise before use; lw_tokens_free releases it and makes it empty again.
struct lw_tokens {
    uint32_t *ids;
    size_t count, capacity;
};

bool lw_tokens_add(struct lw_tokens *tokens, uint32_t id, struct lw_error *error);
bool lw_tokens_append(
    struct lw_tokens *tokens, const uint32_t *ids, size_t count, struct lw_error *error);
void lw_tokens_clear(struct lw_tokens *tokens); // keeps the memory
void lw_tokens_free(struct lw_tokens *tokens);

#endif
