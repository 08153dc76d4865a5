// SPDX-License-Identifier: Apache-2.0
// The shape of a model, as config.json in its Hugging Face folder gives it. One decoder serves all
// families; what differs between them is data here and in the family's table.
#ifndef LW_MODEL_CONFIG_H
#define LW_MODEL_CONFIG_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/types.h"
#include "engine/model/rotary.h"

struct lw_family;

#define LW_CONFIG_STOP_TOKENS 8
#define LW_CONFIG_NO_TOKEN UINT32_MAX

struct lw_config {
    const struct lw_family *family;
    uint32_t vocab_size, hidden_size, intermediate_size;
    uint32_t layers, heads, kv_heads, head_dim;
    uint32_t max_position_embeddings;
    uint32_t sliding_window; // keys a query sees; 0: all
    float rms_norm_eps, initializer_range;
    bool tied;      // the head is the embedding
    double dropout; // the largest of the file's; Lewin has none
    struct lw_rotary rotary;
    enum lw_type type;  // of the weights on disk
    uint32_t pad_token; // its embedding gets no gradient; LW_CONFIG_NO_TOKEN: there is none
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

#endif
