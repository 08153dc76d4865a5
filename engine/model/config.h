// SPDX-License-Identifier: Apache-2.0
// The shape of a model, as config.json in its Hugging Face folder gives it. One decoder serves all
// families; what differs between them is data here and in the family's table.
#ifndef LW_MODEL_CONFIG_H
#define LW_MODEL_CONFIG_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/types.h"

struct lw_family;

enum lw_rope_kind { LW_ROPE_PLAIN, LW_ROPE_LLAMA3, LW_ROPE_LONGROPE };

#define LW_CONFIG_STOP_TOKENS 8

struct lw_config {
    const struct lw_family *family;
    uint32_t vocab_size, hidden_size, intermediate_size;
    uint32_t layers, heads, kv_heads, head_dim;
    uint32_t max_position_embeddings;
    uint32_t sliding_window; // keys a query sees; 0: all
    float rms_norm_eps, initializer_range;
    bool tied; // the head is the embedding
    enum lw_rope_kind rope;
    double rope_theta;
    enum lw_type type;                           // of the weights on disk
    uint32_t stop_tokens[LW_CONFIG_STOP_TOKENS]; // of generation_config.json, else config.json
    uint32_t stop_token_count;
};

// Reads FOLDER/config.json and FOLDER/generation_config.json (optional). LW_BAD_INPUT names the file
// and key: an unsupported architecture (with the list of supported ones), absurd dimensions,
// settings that would change the result and are not supported.
bool lw_config_load(struct lw_config *config, const char *folder, struct lw_error *error);

// The same from the text of a config.json; `name` stands for it in messages.
bool lw_config_parse(struct lw_config *config, const char *text, size_t length, const char *name,
    struct lw_error *error);

// Inverse frequencies of the rotary embedding, [head_dim / 2] (transformers modeling_rope_utils).
void lw_config_inverse_frequency(const struct lw_config *config, float *frequency);

#endif
