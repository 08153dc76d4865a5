// SPDX-License-Identifier: Apache-2.0
// Model families as tables: how Hugging Face names the parameters, and to which slot of the decoder
// each belongs. A new family of this kind is a new table in families.c, nothing else.
#ifndef LW_MODEL_FAMILY_H
#define LW_MODEL_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The decoder's weights. Query, key and value share one matrix, as do gate and up: one product
// each instead of three and two.
enum lw_slot {
    LW_SLOT_EMBEDDING,  // [vocab_size, hidden]
    LW_SLOT_QKV,        // [(heads + 2 kv_heads) head_dim, hidden]
    LW_SLOT_ATTENTION,  // the output projection, [hidden, heads head_dim]
    LW_SLOT_GATE_UP,    // [2 intermediate, hidden]
    LW_SLOT_DOWN,       // [hidden, intermediate]
    LW_SLOT_HEAD,       // [vocab_size, hidden]; absent when tied
    LW_SLOT_INPUT_NORM, // [1, hidden]; from here on, no weight decay
    LW_SLOT_QKV_BIAS,   // [1, (heads + 2 kv_heads) head_dim]
    LW_SLOT_Q_NORM,     // [1, head_dim]: of each query head, before it is rotated
    LW_SLOT_K_NORM,     // [1, head_dim]: of each key head
    LW_SLOT_MLP_NORM,   // [1, hidden]
    LW_SLOT_FINAL_NORM, // [1, hidden]
    LW_SLOT_COUNT
};

// Which rows of the slot's matrix (entries of its vector) a parameter is.
enum lw_part { LW_PART_ALL, LW_PART_Q, LW_PART_K, LW_PART_V, LW_PART_GATE, LW_PART_UP };

struct lw_parameter_name {
    const char *format; // with %u for the layer, where there is one per layer
    enum lw_slot slot;
    enum lw_part part;
};

// What an absent key of config.json means: the defaults of transformers' config classes.
struct lw_family_absent {
    double rms_norm_eps;
    uint32_t head_dim;           // 0: hidden_size / heads
    uint32_t max_positions;      // max_position_embeddings
    uint32_t sliding_window;     // 0: none
    uint32_t original_positions; // original_max_position_embeddings; 0: max_position_embeddings
    uint32_t pad_token;          // 0: none
};

struct lw_family {
    const char *architecture;   // config.json: architectures[0]
    const char *model_type;     // config.json: model_type
    bool qkv_bias;              // LW_SLOT_QKV_BIAS is there
    bool qk_norm;               // LW_SLOT_Q_NORM and LW_SLOT_K_NORM are there
    bool has_window;            // sliding_window counts...
    bool window_needs_flag;     // only with use_sliding_window true
    const char *const *refused; // keys that must not be true; ends with NULL. NULL: none
    struct lw_family_absent absent;
    const struct lw_parameter_name *names; // ends with a NULL format
};

// The family of an architecture ("Qwen2ForCausalLM"), or NULL.
const struct lw_family *lw_family_find(const char *architecture);
// The supported ones, index from 0; NULL past the end.
const struct lw_family *lw_family_at(size_t index);

// Whether a slot exists once per layer.
bool lw_slot_per_layer(enum lw_slot slot);

#endif
