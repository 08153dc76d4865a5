// SPDX-License-Identifier: Apache-2.0
// Records one decoder layer, forward and backward. The only place that knows the order of a layer's
// operations; what differs between families comes from the config and from absent tensors.
#ifndef LW_MODEL_LAYER_H
#define LW_MODEL_LAYER_H

#include "engine/model/activations.h"
#include "engine/model/store.h"
#include "engine/ops/matmul.h"

// What all layers need of their surroundings.
struct lw_layer_context {
    const struct lw_config *config;
    const struct lw_store *weights;
    const struct lw_store *gradients;            // fp32, added to; NULL: forward only
    struct lw_buffer positions;                  // [tokens] uint32
    struct lw_buffer segment_start, segment_end; // [tokens] uint32
    struct lw_buffer rotary_row;                 // [tokens] uint32
    struct lw_buffer inverse_frequency;          // [rows, rotary.columns / 2] fp32
    struct lw_buffer scratch;                    // lw_layer_scratch() bytes
    uint32_t tokens;
};

#define LW_LAYER_PRODUCTS 12

// The matrix products of a layer over `tokens` tokens, without memory, for planning and measuring;
// their count.
size_t lw_layer_products(const struct lw_config *config, enum lw_type type, uint32_t tokens,
    bool backward, struct lw_matmul products[LW_LAYER_PRODUCTS]);

// Scratch for any product or reduction of a layer.
uint64_t lw_layer_scratch(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t tokens, bool backward);

// Allocates and fills the rotary table, [rows, rotary.columns / 2] fp32.
bool lw_layer_rotary_table(struct lw_device *device, struct lw_arena *arena,
    const struct lw_config *config, struct lw_buffer *table, struct lw_error *error);

// Norm, query, key and value of `layer`: values->normed, values->qkv and values->rotated from
// values->input.
void lw_layer_project(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values);

// Attention over the packed segments: values->attended from values->rotated and values->qkv.
void lw_layer_attend(struct lw_stream *stream, const struct lw_layer_context *context,
    const struct lw_layer_values *values);

// The output projection and the feed-forward part: `output` [tokens, hidden] from
// values->attended and values->input.
void lw_layer_finish(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values, const struct lw_tensor *output);

// The backward pass: gradients->stream holds the gradient of the layer's output and gets that of
// its input; the weights' gradients are added to context->gradients. Overwrites values->gate_up.
void lw_layer_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values,
    const struct lw_layer_gradients *gradients);

// q, k and v as column parts of a qkv tensor, q and k also of values->rotated.
struct lw_tensor lw_qkv_part(
    const struct lw_config *config, const struct lw_tensor *qkv, enum lw_part part);

#endif
