// SPDX-License-Identifier: Apache-2.0
// The intermediate values of a forward pass over a fixed number of tokens, and the gradients that
// flow back through them.
#ifndef LW_MODEL_ACTIVATIONS_H
#define LW_MODEL_ACTIVATIONS_H

#include "engine/model/config.h"
#include "engine/ops/tensor.h"

// What one layer computes, in order. [tokens, ...] of the storage type unless said.
struct lw_layer_values {
    struct lw_tensor input;          // [tokens, hidden]: the residual stream
    struct lw_tensor input_inverse;  // [1, tokens] fp32, of the norm
    struct lw_tensor normed;         // [tokens, hidden]
    struct lw_tensor qkv;            // [tokens, (heads + 2 kv_heads) head_dim]
    struct lw_tensor rotated;        // [tokens, (heads + kv_heads) head_dim]: q and k as attention
                                     // reads them; in place in qkv unless they are normed
    struct lw_tensor log_sum;        // [heads, tokens] fp32
    struct lw_tensor attended;       // [tokens, heads head_dim]
    struct lw_tensor middle;         // [tokens, hidden]: the residual stream after attention
    struct lw_tensor middle_inverse; // [1, tokens] fp32
    struct lw_tensor middle_normed;  // [tokens, hidden]
    struct lw_tensor gate_up;        // [tokens, 2 intermediate]
    struct lw_tensor product;        // [tokens, intermediate]: silu(gate) * up
};

// The gradients, shared by all layers.
struct lw_layer_gradients {
    struct lw_tensor stream;   // [tokens, hidden]: of the residual stream, updated in place
    struct lw_tensor normed;   // [tokens, hidden]
    struct lw_tensor qkv;      // as qkv
    struct lw_tensor attended; // as attended
    struct lw_tensor delta;    // [heads, tokens] fp32
    struct lw_tensor product;  // as product
};

enum lw_keep {
    LW_KEEP_NOTHING, // forward only: all layers share one set of values
    LW_KEEP_INPUTS,  // each layer's input; the rest is computed again in the backward pass
    LW_KEEP_ALL
};

struct lw_activations {
    struct lw_arena *arena;
    struct lw_layer_values *layers;      // [layers]
    struct lw_tensor output;             // [tokens, hidden]: the last layer's
    struct lw_tensor output_inverse;     // [1, tokens] fp32
    struct lw_tensor output_normed;      // [tokens, hidden]
    struct lw_layer_gradients gradients; // absent with LW_KEEP_NOTHING
};

struct lw_activations_params {
    const struct lw_config *config;
    uint32_t tokens;
    enum lw_type type;
    enum lw_keep keep;
};

bool lw_activations_create(struct lw_activations **activations, struct lw_device *device,
    const struct lw_activations_params *params, struct lw_error *error);
void lw_activations_destroy(struct lw_activations *activations);

// Bytes that lw_activations_create takes, for the plan.
uint64_t lw_activations_size(const struct lw_activations_params *params);

#endif
