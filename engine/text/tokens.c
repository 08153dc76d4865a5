// SPDX-License-Identifier: Apache-2.0
// The growing list of token ids.
#include "engine/text/tokens.h"

#include <string.h>

#include "engine/base/alloc.h"

bool lw_tokens_add(struct lw_tokens *tokens, uint32_t id, struct lw_error *error)
{
    return lw_tokens_append(tokens, &id, 1, error);
}

bool lw_tokens_append(
    struct lw_tokens *tokens, const uint32_t *ids, size_t count, struct lw_error *error)
{
    if (count == 0) {
        return true;
    }
    if (count > tokens->capacity - tokens->count &&
        !lw_reserve(
            &tokens->ids, &tokens->capacity, tokens->count + count, sizeof *tokens->ids, error)) {
        return false;
    }
    memcpy(tokens->ids + tokens->count, ids, count * sizeof *ids);
    tokens->count += count;
    return true;
}

void lw_tokens_clear(struct lw_tokens *tokens)
{
    tokens->count = 0;
}

void lw_tokens_free(struct lw_tokens *tokens)
{
    lw_free(tokens->ids);
    *tokens = (struct lw_tokens){0};
}
