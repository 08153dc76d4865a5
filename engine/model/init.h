// SPDX-License-Identifier: Apache-2.0
// A model folder with random weights, initialised as transformers does it: linear and embedding
// weights normal with mean 0 and deviation initializer_range, the embedding's row of pad_token_id
// and biases 0, norms 1. For `lewin init`.
#ifndef LW_MODEL_INIT_H
#define LW_MODEL_INIT_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/types.h"

// The tokenizer to put beside the weights.
struct lw_init_tokenizer {
    const char *folder; // whose tokenizer files are copied
    uint32_t size;      // a smaller vocab_size grows to this, rounded up to a multiple of 64
    int64_t bos, eos;   // for config.json where it names none; negative: none
};

struct lw_init_params {
    const char *config; // the text of a config.json
    const char *name;   // of the config, in messages
    const char *output; // folder to be; must not exist, or be empty
    uint64_t seed;
    const enum lw_type *type;                  // NULL: the config's
    const struct lw_init_tokenizer *tokenizer; // NULL: none
    // Called between parts; false stops with LW_INTERRUPTED. May be NULL.
    bool (*progress)(void *context, uint64_t done, uint64_t total); // bytes
    void *context;
};

struct lw_init_result {
    uint64_t parameters, bytes;
};

// Writes config.json, generation_config.json and the weights; the folder appears whole or not at
// all. The weights are a function of the seed, the parameters' names and the shape alone: neither
// threads nor the element type change what is rounded into it. `result` may be NULL.
bool lw_model_init(
    const struct lw_init_params *params, struct lw_init_result *result, struct lw_error *error);

#endif
