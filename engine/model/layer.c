// SPDX-License-Identifier: Apache-2.0
// The decoder layer. See layer.h.
#include "engine/model/layer.h"

#include <math.h>

#include "engine/gpu/transfer.h"
#include "engine/ops/attention.h"
#include "engine/ops/mlp.h"
#include "engine/ops/norm.h"
#include "engine/ops/qk_norm.h"
#include "engine/ops/rope.h"

struct lw_tensor lw_qkv_part(
    const struct lw_config *config, const struct lw_tensor *qkv, enum lw_part part)
{
    uint32_t q = config->heads * config->head_dim, kv = config->kv_heads * config->head_dim;
    uint32_t first = part == LW_PART_Q ? 0 : part == LW_PART_K ? q : q + kv;
    return lw_tensor_part(qkv, 0, qkv->rows, first, part == LW_PART_Q ? q : kv);
}

static uint64_t largest(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

size_t lw_layer_products(const struct lw_config *config, enum lw_type type, uint32_t tokens,
    bool backward, struct lw_matmul products[LW_LAYER_PRODUCTS])
{
    uint32_t heads = config->heads * config->head_dim;
    uint32_t qkv = heads + 2 * config->kv_heads * config->head_dim;
    uint32_t inner = config->intermediate_size, hidden = config->hidden_size;
    const uint32_t shapes[][2] = {// rows, columns of the four matrices
        {qkv, hidden}, {hidden, heads}, {2 * inner, hidden}, {hidden, inner}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        uint32_t rows = shapes[i][0], columns = shapes[i][1];
        struct lw_tensor x = {1, tokens, columns, columns, type};
        struct lw_tensor y = {1, tokens, rows, rows, type};
        struct lw_tensor w = {1, rows, columns, columns, type};
        struct lw_tensor w_gradient = {1, rows, columns, columns, LW_F32};
        products[count++] = (struct lw_matmul){.layout = LW_MATMUL_NT, .a = x, .b = w, .c = y};
        if (backward) {
            products[count++] = (struct lw_matmul){.layout = LW_MATMUL_NN, .a = y, .b = w, .c = x};
            products[count++] = (struct lw_matmul){
                .layout = LW_MATMUL_TN, .a = y, .b = x, .c = w_gradient, .add = w_gradient};
        }
    }
    return count;
}

uint64_t lw_layer_scratch(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t tokens, bool backward)
{
    struct lw_matmul products[LW_LAYER_PRODUCTS];
    size_t count = lw_layer_products(config, type, tokens, backward, products);
    uint32_t hidden = config->hidden_size;
    uint32_t qkv = (config->heads + 2 * config->kv_heads) * config->head_dim;
    uint64_t size = lw_attention_scratch(device, type);
    for (size_t i = 0; i < count; i++) {
        size = largest(size, lw_matmul_scratch(device, &products[i]));
    }
    if (backward) {
        size = largest(size, lw_rms_norm_scratch(tokens, hidden));
        size = largest(size, lw_rms_norm_scratch(tokens, qkv));
        struct lw_qk_norm norm = {.x = {1, tokens, qkv, qkv, type},
            .heads = config->heads,
            .kv_heads = config->kv_heads,
            .head_dim = config->head_dim};
        size = largest(size, config->family->qk_norm ? lw_qk_norm_scratch(device, &norm) : 0);
    }
    return size;
}

bool lw_layer_rotary_table(struct lw_device *device, struct lw_arena *arena,
    const struct lw_config *config, struct lw_buffer *table, struct lw_error *error)
{
    float frequencies[2 * LW_ROTARY_MOST];
    const struct lw_rotary *rotary = &config->rotary;
    uint64_t size = (uint64_t)lw_rotary_rows(rotary) * (rotary->columns / 2) * sizeof *frequencies;
    lw_rotary_frequencies(rotary, frequencies);
    return lw_arena_allocate(arena, size, table, error) &&
           lw_upload(device, table, 0, frequencies, size, error);
}

static struct lw_tensor weight(
    const struct lw_layer_context *context, uint32_t layer, enum lw_slot slot)
{
    return lw_store_tensor(context->weights, layer, slot);
}

// The columns of queries and keys, which lie side by side, so that one dispatch rotates both.
static struct lw_tensor qk_part(const struct lw_config *config, const struct lw_tensor *qkv)
{
    uint32_t columns = (config->heads + config->kv_heads) * config->head_dim;
    return lw_tensor_part(qkv, 0, qkv->rows, 0, columns);
}

static struct lw_rope rope(
    const struct lw_layer_context *context, const struct lw_tensor *qk, bool inverse)
{
    return (struct lw_rope){.x = *qk,
        .heads = context->config->heads + context->config->kv_heads,
        .head_dim = context->config->head_dim,
        .rotated = context->config->rotary.columns,
        .scale = (float)context->config->rotary.attention_factor,
        .inverse = inverse,
        .positions = context->positions,
        .frequency_rows = context->rotary_row,
        .inverse_frequency = context->inverse_frequency};
}

// Absent weights: the model does not norm queries and keys.
static struct lw_qk_norm qk_norm(
    const struct lw_layer_context *context, uint32_t layer, const struct lw_layer_values *values)
{
    const struct lw_config *config = context->config;
    return (struct lw_qk_norm){.x = qk_part(config, &values->qkv),
        .y = values->rotated,
        .q_weight = weight(context, layer, LW_SLOT_Q_NORM),
        .k_weight = weight(context, layer, LW_SLOT_K_NORM),
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .epsilon = config->rms_norm_eps,
        .scale = (float)config->rotary.attention_factor,
        .positions = context->positions,
        .inverse_frequency = context->inverse_frequency};
}

// values->rotated from values->qkv.
static void rotate(struct lw_stream *stream, const struct lw_layer_context *context, uint32_t layer,
    const struct lw_layer_values *values)
{
    struct lw_qk_norm norm = qk_norm(context, layer, values);
    if (norm.q_weight.address) {
        lw_qk_norm(stream, &norm);
    } else {
        struct lw_rope forward = rope(context, &values->rotated, false);
        lw_rope(stream, &forward);
    }
}

// The gradients of queries and keys, in place in gradients->qkv.
static void rotate_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values,
    const struct lw_layer_gradients *gradients)
{
    struct lw_tensor gradient = qk_part(context->config, &gradients->qkv);
    struct lw_qk_norm norm = qk_norm(context, layer, values);
    if (norm.q_weight.address) {
        lw_qk_norm_backward(stream,
            &(struct lw_qk_norm_backward){.forward = norm,
                .y_gradient = gradient,
                .x_gradient = gradient,
                .q_weight_gradient = lw_store_tensor(context->gradients, layer, LW_SLOT_Q_NORM),
                .k_weight_gradient = lw_store_tensor(context->gradients, layer, LW_SLOT_K_NORM),
                .scratch = context->scratch});
    } else {
        struct lw_rope backward = rope(context, &gradient, true);
        lw_rope(stream, &backward);
    }
}

void lw_layer_project(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values)
{
    lw_rms_norm(stream, &(struct lw_rms_norm){.x = values->input,
                            .y = values->normed,
                            .weight = weight(context, layer, LW_SLOT_INPUT_NORM),
                            .inverse = values->input_inverse,
                            .epsilon = context->config->rms_norm_eps});
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_NT,
                          .a = values->normed,
                          .b = weight(context, layer, LW_SLOT_QKV),
                          .bias = weight(context, layer, LW_SLOT_QKV_BIAS),
                          .c = values->qkv,
                          .scratch = context->scratch});
    rotate(stream, context, layer, values);
}

static struct lw_attention attention(
    const struct lw_layer_context *context, const struct lw_layer_values *values)
{
    const struct lw_config *config = context->config;
    return (struct lw_attention){.tokens = context->tokens,
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .window = config->sliding_window,
        .scale = 1 / sqrtf((float)config->head_dim),
        .q = lw_qkv_part(config, &values->rotated, LW_PART_Q),
        .k = lw_qkv_part(config, &values->rotated, LW_PART_K),
        .v = lw_qkv_part(config, &values->qkv, LW_PART_V),
        .out = values->attended,
        .log_sum = values->log_sum,
        .segment_start = context->segment_start,
        .segment_end = context->segment_end,
        .scratch = context->scratch};
}

void lw_layer_attend(struct lw_stream *stream, const struct lw_layer_context *context,
    const struct lw_layer_values *values)
{
    struct lw_attention forward = attention(context, values);
    lw_attention_forward(stream, &forward);
}

void lw_layer_finish(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values, const struct lw_tensor *output)
{
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_NT,
                          .a = values->attended,
                          .b = weight(context, layer, LW_SLOT_ATTENTION),
                          .c = values->middle,
                          .add = values->input,
                          .scratch = context->scratch});
    lw_rms_norm(stream, &(struct lw_rms_norm){.x = values->middle,
                            .y = values->middle_normed,
                            .weight = weight(context, layer, LW_SLOT_MLP_NORM),
                            .inverse = values->middle_inverse,
                            .epsilon = context->config->rms_norm_eps});
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_NT,
                          .a = values->middle_normed,
                          .b = weight(context, layer, LW_SLOT_GATE_UP),
                          .c = values->gate_up,
                          .scratch = context->scratch});
    lw_swiglu(stream, &values->gate_up, &values->product);
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_NT,
                          .a = values->product,
                          .b = weight(context, layer, LW_SLOT_DOWN),
                          .c = *output,
                          .add = values->middle,
                          .scratch = context->scratch});
}

// dX = dY W and dW += dY^T X for Y = X W^T.
static void product_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, enum lw_slot slot, const struct lw_tensor *x,
    const struct lw_tensor *y_gradient, const struct lw_tensor *x_gradient)
{
    struct lw_tensor w_gradient = lw_store_tensor(context->gradients, layer, slot);
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_TN,
                          .a = *y_gradient,
                          .b = *x,
                          .c = w_gradient,
                          .add = w_gradient,
                          .scratch = context->scratch});
    lw_matmul(stream, &(struct lw_matmul){.layout = LW_MATMUL_NN,
                          .a = *y_gradient,
                          .b = weight(context, layer, slot),
                          .c = *x_gradient,
                          .scratch = context->scratch});
}

// The gradient of a norm joins the residual stream's.
static void norm_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    const struct lw_tensor *x, const struct lw_tensor *inverse, const struct lw_tensor *norm_weight,
    const struct lw_tensor *weight_gradient, const struct lw_layer_gradients *gradients)
{
    lw_rms_norm_backward(stream, &(struct lw_rms_norm_backward){.x = *x,
                                     .weight = *norm_weight,
                                     .inverse = *inverse,
                                     .y_gradient = gradients->normed,
                                     .add = gradients->stream,
                                     .x_gradient = gradients->stream,
                                     .weight_gradient = *weight_gradient,
                                     .scratch = context->scratch});
}

static void mlp_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values,
    const struct lw_layer_gradients *gradients)
{
    product_backward(stream, context, layer, LW_SLOT_DOWN, &values->product, &gradients->stream,
        &gradients->product);
    lw_swiglu_backward(stream, &values->gate_up, &gradients->product, &values->gate_up);
    product_backward(stream, context, layer, LW_SLOT_GATE_UP, &values->middle_normed,
        &values->gate_up, &gradients->normed);
    struct lw_tensor norm_weight = weight(context, layer, LW_SLOT_MLP_NORM);
    struct lw_tensor weight_gradient = lw_store_tensor(context->gradients, layer, LW_SLOT_MLP_NORM);
    norm_backward(stream, context, &values->middle, &values->middle_inverse, &norm_weight,
        &weight_gradient, gradients);
}

static void attention_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values,
    const struct lw_layer_gradients *gradients)
{
    const struct lw_config *config = context->config;
    product_backward(stream, context, layer, LW_SLOT_ATTENTION, &values->attended,
        &gradients->stream, &gradients->attended);
    lw_attention_backward(
        stream, &(struct lw_attention_backward){.forward = attention(context, values),
                    .out_gradient = gradients->attended,
                    .q_gradient = lw_qkv_part(config, &gradients->qkv, LW_PART_Q),
                    .k_gradient = lw_qkv_part(config, &gradients->qkv, LW_PART_K),
                    .v_gradient = lw_qkv_part(config, &gradients->qkv, LW_PART_V),
                    .delta = gradients->delta});
    rotate_backward(stream, context, layer, values, gradients);
    struct lw_tensor bias = lw_store_tensor(context->gradients, layer, LW_SLOT_QKV_BIAS);
    if (bias.address) {
        lw_sum_rows(stream, &gradients->qkv, &bias, &context->scratch);
    }
    product_backward(
        stream, context, layer, LW_SLOT_QKV, &values->normed, &gradients->qkv, &gradients->normed);
    struct lw_tensor norm_weight = weight(context, layer, LW_SLOT_INPUT_NORM);
    struct lw_tensor weight_gradient =
        lw_store_tensor(context->gradients, layer, LW_SLOT_INPUT_NORM);
    norm_backward(stream, context, &values->input, &values->input_inverse, &norm_weight,
        &weight_gradient, gradients);
}

void lw_layer_backward(struct lw_stream *stream, const struct lw_layer_context *context,
    uint32_t layer, const struct lw_layer_values *values,
    const struct lw_layer_gradients *gradients)
{
    mlp_backward(stream, context, layer, values, gradients);
    attention_backward(stream, context, layer, values, gradients);
}
