// SPDX-License-Identifier: Apache-2.0
// Next-token logits with a key-value cache, one sequence at a time.
#ifndef LW_MODEL_GENERATE_H
#define LW_MODEL_GENERATE_H

#include "engine/model/store.h"

struct lw_generator;

// Room for `capacity` tokens, prompt and answer together. The weights must outlive the generator.
bool lw_generator_create(struct lw_generator **generator, struct lw_device *device,
    const struct lw_config *config, const struct lw_store *weights, uint32_t capacity,
    struct lw_error *error);
void lw_generator_destroy(struct lw_generator *generator);

// Forgets what came before and reads `count` > 0 tokens. `logits` [vocab_size] fp32 are those of
// the token after the last. LW_BAD_INPUT when they do not fit or an id is not in the vocabulary.
bool lw_generator_prompt(struct lw_generator *generator, const uint32_t *ids, uint32_t count,
    float *logits, struct lw_error *error);

// Appends one token; `logits` as above.
bool lw_generator_append(
    struct lw_generator *generator, uint32_t id, float *logits, struct lw_error *error);

// Tokens read and appended so far.
uint32_t lw_generator_length(const struct lw_generator *generator);

// How a token is drawn from logits.
struct lw_sampling {
    float temperature; // 0: the most likely token
    float top_p;       // of the most likely tokens that together have this probability; 1: all
    uint64_t seed;
};

// Draws from `logits` [vocab_size], which it overwrites; `index` counts the draws, so that a draw
// is a function of (seed, index). `order` is scratch [vocab_size].
uint32_t lw_sample(const struct lw_sampling *sampling, uint64_t index, float *logits,
    uint32_t *order, uint32_t vocab_size);

#endif
