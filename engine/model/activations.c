// SPDX-License-Identifier: Apache-2.0
// Tables of the decoder's intermediate tensors; sizes and memory both come from them. See
// activations.h.
#include "engine/model/activations.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/model/family.h"

enum width { HIDDEN, QKV, NORMED_QK, HEADS, INNER, TWICE_INNER, PER_TOKEN, PER_HEAD };

struct row {
    size_t member; // offset of the tensor in its struct
    enum width width;
};

#define VALUE(name, width)                                                                         \
    {                                                                                              \
        offsetof(struct lw_layer_values, name), width                                              \
    }
static const struct row value_rows[] = {
    VALUE(input_inverse, PER_TOKEN),
    VALUE(normed, HIDDEN),
    VALUE(qkv, QKV),
    VALUE(rotated, NORMED_QK),
    VALUE(log_sum, PER_HEAD),
    VALUE(attended, HEADS),
    VALUE(middle, HIDDEN),
    VALUE(middle_inverse, PER_TOKEN),
    VALUE(middle_normed, HIDDEN),
    VALUE(gate_up, TWICE_INNER),
    VALUE(product, INNER),
};
static const struct row input_row = VALUE(input, HIDDEN);
#undef VALUE

#define OUTPUT(name, width)                                                                        \
    {                                                                                              \
        offsetof(struct lw_activations, name), width                                               \
    }
static const struct row output_rows[] = {
    OUTPUT(output, HIDDEN), OUTPUT(output_inverse, PER_TOKEN), OUTPUT(output_normed, HIDDEN)};
#undef OUTPUT

#define GRADIENT(name, width)                                                                      \
    {                                                                                              \
        offsetof(struct lw_layer_gradients, name), width                                           \
    }
static const struct row gradient_rows[] = {GRADIENT(stream, HIDDEN), GRADIENT(normed, HIDDEN),
    GRADIENT(qkv, QKV), GRADIENT(attended, HEADS), GRADIENT(delta, PER_HEAD),
    GRADIENT(product, INNER)};
#undef GRADIENT

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static uint32_t qk_columns(const struct lw_config *config)
{
    return (config->heads + config->kv_heads) * config->head_dim;
}

static struct lw_tensor shape(const struct lw_activations_params *params, enum width width)
{
    const struct lw_config *config = params->config;
    uint32_t columns = config->hidden_size;
    switch (width) {
    case HIDDEN:
        break;
    case QKV:
        columns = qk_columns(config) + config->kv_heads * config->head_dim;
        break;
    case NORMED_QK: // the backward pass needs them also as they were before
        columns = config->family->qk_norm ? qk_columns(config) : 0;
        break;
    case HEADS:
        columns = config->heads * config->head_dim;
        break;
    case INNER:
        columns = config->intermediate_size;
        break;
    case TWICE_INNER:
        columns = 2 * config->intermediate_size;
        break;
    case PER_TOKEN:
        return (struct lw_tensor){0, 1, params->tokens, params->tokens, LW_F32};
    case PER_HEAD:
        return (struct lw_tensor){0, config->heads, params->tokens, params->tokens, LW_F32};
    }
    return (struct lw_tensor){0, params->tokens, columns, columns, params->type};
}

// Bytes of the tensors of some rows, rounded as the arena rounds them.
static uint64_t rows_size(
    const struct lw_activations_params *params, const struct row *rows, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        struct lw_tensor tensor = shape(params, rows[i].width);
        tensor.address = 1; // present
        size += (lw_tensor_span(&tensor) + 255) / 256 * 256;
    }
    return size;
}

uint64_t lw_activations_size(const struct lw_activations_params *params)
{
    uint32_t layers = params->config->layers;
    bool all = params->keep == LW_KEEP_ALL, none = params->keep == LW_KEEP_NOTHING;
    uint64_t size = rows_size(params, value_rows, COUNT(value_rows)) * (all ? layers : 1);
    size += rows_size(params, &input_row, 1) * (none ? 1 : layers);
    size += rows_size(params, output_rows, COUNT(output_rows));
    return size + (none ? 0 : rows_size(params, gradient_rows, COUNT(gradient_rows)));
}

static bool allocate_rows(struct lw_activations *activations, void *object,
    const struct lw_activations_params *params, const struct row *rows, size_t count,
    struct lw_error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct lw_tensor tensor = shape(params, rows[i].width);
        struct lw_buffer buffer;
        tensor.address = 1;
        if (!lw_tensor_span(&tensor)) {
            continue; // absent
        }
        if (!lw_arena_allocate(activations->arena, lw_tensor_span(&tensor), &buffer, error)) {
            return false;
        }
        tensor.address = buffer.address;
        memcpy((char *)object + rows[i].member, &tensor, sizeof tensor);
    }
    return true;
}

static bool allocate_layers(struct lw_activations *activations,
    const struct lw_activations_params *params, struct lw_error *error)
{
    for (uint32_t i = 0; i < params->config->layers; i++) {
        struct lw_layer_values *layer = &activations->layers[i];
        if (i > 0) {
            *layer = activations->layers[0]; // shared, unless kept apart below
        }
        bool own_values = i == 0 || params->keep == LW_KEEP_ALL;
        bool own_input = i == 0 || params->keep != LW_KEEP_NOTHING;
        if ((own_values &&
                !allocate_rows(activations, layer, params, value_rows, COUNT(value_rows), error)) ||
            (own_input && !allocate_rows(activations, layer, params, &input_row, 1, error))) {
            return false;
        }
        if (!params->config->family->qk_norm) { // rotated in place
            uint32_t columns = qk_columns(params->config);
            layer->rotated = lw_tensor_part(&layer->qkv, 0, params->tokens, 0, columns);
        }
    }
    return true;
}

bool lw_activations_create(struct lw_activations **out, struct lw_device *device,
    const struct lw_activations_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_activations *activations = lw_calloc(1, sizeof *activations, error);
    if (!activations) {
        return false;
    }
    struct lw_arena_params arena = {.name = "activations", .expected = lw_activations_size(params)};
    activations->layers = lw_calloc(params->config->layers, sizeof *activations->layers, error);
    if (!activations->layers || !lw_arena_create(&activations->arena, device, &arena, error) ||
        !allocate_layers(activations, params, error) ||
        !allocate_rows(activations, activations, params, output_rows, COUNT(output_rows), error) ||
        (params->keep != LW_KEEP_NOTHING &&
            !allocate_rows(activations, &activations->gradients, params, gradient_rows,
                COUNT(gradient_rows), error))) {
        lw_activations_destroy(activations);
        return false;
    }
    *out = activations;
    return true;
}

void lw_activations_destroy(struct lw_activations *activations)
{
    if (activations) {
        lw_arena_destroy(activations->arena);
        lw_free(activations->layers);
        lw_free(activations);
    }
}
