// SPDX-License-Identifier: Apache-2.0
// See random_batch.h.
#include "engine/bench/random_batch.h"

#include "engine/base/alloc.h"
#include "engine/base/random.h"

bool lw_random_batch(struct lw_batch *batch, const struct lw_config *config, uint32_t tokens,
    uint32_t sequence, uint64_t seed, struct lw_error *error)
{
    uint32_t *block = lw_calloc((size_t)tokens * 6, sizeof *block, error);
    *batch = (struct lw_batch){.tokens = block, .token_budget = tokens, .used = tokens};
    if (!block) {
        return false;
    }
    batch->positions = block + tokens;
    batch->segment_start = block + 2 * (size_t)tokens;
    batch->segment_end = block + 3 * (size_t)tokens;
    batch->targets = (int32_t *)(block + 4 * (size_t)tokens);
    batch->rotary_row = block + 5 * (size_t)tokens;
    for (uint32_t i = 0; i < tokens; i++) {
        uint32_t start = i - i % sequence;
        batch->tokens[i] = (uint32_t)lw_random_below(seed, 0, i, config->vocab_size);
        batch->positions[i] = i - start;
        batch->segment_start[i] = start;
        batch->segment_end[i] = sequence < tokens - start ? start + sequence : tokens;
        batch->targets[i] = (int32_t)lw_random_below(seed, 1, i, config->vocab_size);
        batch->rotary_row[i] = lw_rotary_row(&config->rotary, sequence);
    }
    batch->trained = tokens;
    return true;
}

void lw_random_batch_free(struct lw_batch *batch)
{
    lw_free(batch->tokens);
    *batch = (struct lw_batch){0};
}
