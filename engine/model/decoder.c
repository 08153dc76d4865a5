// SPDX-License-Identifier: Apache-2.0
// Records and submits the whole decoder. See decoder.h.
#include "engine/model/decoder.h"

#include "engine/base/alloc.h"
#include "engine/gpu/transfer.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"
#include "engine/ops/norm.h"

static uint64_t scratch_size(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t tokens, bool backward)
{
    return lw_layer_scratch(device, config, type, tokens, backward) + 256;
}

struct lw_decoder_size lw_decoder_size(const struct lw_device *device,
    const struct lw_config *config, enum lw_type type, uint32_t tokens, enum lw_keep keep)
{
    bool backward = keep != LW_KEEP_NOTHING;
    const struct lw_activations_params activations = {
        .config = config, .tokens = tokens, .type = type, .keep = keep};
    return (struct lw_decoder_size){.inputs = lw_inputs_size(tokens),
        .activations = lw_activations_size(&activations),
        .head = lw_head_size(
            device, config, type, tokens, lw_head_chunk_rows(device, config, tokens), backward),
        .scratch = scratch_size(device, config, type, tokens, backward)};
}

static bool allocate(struct lw_decoder *decoder, struct lw_error *error)
{
    const struct lw_decoder_params *params = &decoder->params;
    const struct lw_config *config = params->config;
    enum lw_type type = params->weights->type;
    const float zero = 0;
    uint64_t scratch =
        scratch_size(decoder->device, config, type, params->tokens, params->gradients != NULL);
    const struct lw_arena_params arena = {.name = "scratch", .expected = scratch + 8192};
    const struct lw_activations_params activations = {
        .config = config, .tokens = params->tokens, .type = type, .keep = params->keep};
    return lw_arena_create(&decoder->arena, decoder->device, &arena, error) &&
           lw_arena_allocate(decoder->arena, scratch, &decoder->scratch, error) &&
           lw_layer_rotary_table(
               decoder->device, decoder->arena, config, &decoder->inverse_frequency, error) &&
           lw_arena_allocate(decoder->arena, sizeof zero, &decoder->loss_sum, error) &&
           lw_upload(decoder->device, &decoder->loss_sum, 0, &zero, sizeof zero, error) &&
           lw_inputs_create(
               &decoder->inputs, decoder->device, params->tokens, config->pad_token, error) &&
           lw_activations_create(&decoder->activations, decoder->device, &activations, error);
}

// The residual stream after `layer`: the next layer's input or the decoder's output.
static const struct lw_tensor *layer_output(const struct lw_decoder *decoder, uint32_t layer)
{
    const struct lw_activations *activations = decoder->activations;
    return layer + 1 < decoder->params.config->layers ? &activations->layers[layer + 1].input
                                                      : &activations->output;
}

static void record_layer(const struct lw_decoder *decoder, struct lw_stream *stream, uint32_t layer,
    const struct lw_tensor *output)
{
    const struct lw_layer_values *values = &decoder->activations->layers[layer];
    lw_layer_project(stream, &decoder->context, layer, values);
    lw_layer_attend(stream, &decoder->context, values);
    lw_layer_finish(stream, &decoder->context, layer, values, output);
}

static void record_forward(const struct lw_decoder *decoder, struct lw_stream *stream)
{
    const struct lw_decoder_params *params = &decoder->params;
    const struct lw_activations *activations = decoder->activations;
    struct lw_tensor table = lw_store_tensor(params->weights, 0, LW_SLOT_EMBEDDING);
    lw_embedding(stream, &table, &decoder->inputs->tokens, &activations->layers[0].input);
    for (uint32_t layer = 0; layer < params->config->layers; layer++) {
        record_layer(decoder, stream, layer, layer_output(decoder, layer));
    }
    lw_rms_norm(stream, &(struct lw_rms_norm){.x = activations->output,
                            .y = activations->output_normed,
                            .weight = lw_store_tensor(params->weights, 0, LW_SLOT_FINAL_NORM),
                            .inverse = activations->output_inverse,
                            .epsilon = params->config->rms_norm_eps});
}

static struct lw_buffer tensor_bytes(const struct lw_arena *arena, const struct lw_tensor *tensor)
{
    return lw_arena_find(arena, tensor->address, lw_tensor_span(tensor));
}

static void record_backward(const struct lw_decoder *decoder, struct lw_stream *stream)
{
    const struct lw_decoder_params *params = &decoder->params;
    const struct lw_activations *activations = decoder->activations;
    const struct lw_layer_gradients *gradients = &activations->gradients;
    lw_rms_norm_backward(
        stream, &(struct lw_rms_norm_backward){.x = activations->output,
                    .weight = lw_store_tensor(params->weights, 0, LW_SLOT_FINAL_NORM),
                    .inverse = activations->output_inverse,
                    .y_gradient = gradients->normed,
                    .x_gradient = gradients->stream,
                    .weight_gradient = lw_store_tensor(params->gradients, 0, LW_SLOT_FINAL_NORM),
                    .scratch = decoder->scratch});
    for (uint32_t layer = params->config->layers; layer-- > 0;) {
        if (params->keep == LW_KEEP_INPUTS) {
            // The output goes where nobody reads it again.
            record_layer(decoder, stream, layer, &activations->output);
        }
        lw_layer_backward(stream, &decoder->context, layer, &activations->layers[layer], gradients);
    }
    lw_embedding_backward(
        stream, &(struct lw_embedding_backward){
                    .table_gradient = lw_store_tensor(params->gradients, 0, LW_SLOT_EMBEDDING),
                    .y_gradient = gradients->stream,
                    .ids = decoder->inputs->tokens,
                    .order = decoder->inputs->order,
                    .group_start = decoder->inputs->group_start,
                    .group_count = decoder->inputs->group_count});
}

static bool record(struct lw_decoder *decoder, struct lw_error *error)
{
    const struct lw_inputs *inputs = decoder->inputs;
    const struct lw_activations *activations = decoder->activations;
    if (!lw_stream_create(&decoder->forward, decoder->device, "the forward pass", error) ||
        !lw_stream_create(&decoder->loss, decoder->device, "the loss", error)) {
        return false;
    }
    record_forward(decoder, decoder->forward);
    lw_loss_sum(decoder->loss, &decoder->head->losses, &inputs->row_count, &inputs->loss_scale,
        &decoder->loss_sum);
    if (decoder->params.gradients) {
        if (!lw_stream_create(&decoder->backward, decoder->device, "the backward pass", error)) {
            return false;
        }
        // The head writes the gradient of the trained rows; that of the others is zero.
        struct lw_buffer gradient =
            tensor_bytes(activations->arena, &activations->gradients.normed);
        lw_stream_fill(decoder->forward, &gradient, 0);
        record_backward(decoder, decoder->backward);
    }
    return lw_stream_end(decoder->forward, error) && lw_stream_end(decoder->loss, error) &&
           (!decoder->backward || lw_stream_end(decoder->backward, error));
}

static bool create_head(struct lw_decoder *decoder, struct lw_error *error)
{
    const struct lw_decoder_params *params = &decoder->params;
    const struct lw_activations *activations = decoder->activations;
    const struct lw_head_params head = {.config = params->config,
        .weights = params->weights,
        .gradients = params->gradients,
        .inputs = decoder->inputs,
        .hidden = activations->output_normed,
        .hidden_gradient = activations->gradients.normed,
        .chunk_rows = lw_head_chunk_rows(decoder->device, params->config, params->tokens)};
    return lw_head_create(&decoder->head, decoder->device, &head, error);
}

bool lw_decoder_create(struct lw_decoder **out, struct lw_device *device,
    const struct lw_decoder_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_decoder *decoder = lw_calloc(1, sizeof *decoder, error);
    if (!decoder) {
        return false;
    }
    decoder->params = *params;
    decoder->device = device;
    bool made = allocate(decoder, error);
    if (made) {
        decoder->context = (struct lw_layer_context){.config = params->config,
            .weights = params->weights,
            .gradients = params->gradients,
            .positions = decoder->inputs->positions,
            .segment_start = decoder->inputs->segment_start,
            .segment_end = decoder->inputs->segment_end,
            .rotary_row = decoder->inputs->rotary_row,
            .inverse_frequency = decoder->inverse_frequency,
            .scratch = decoder->scratch,
            .tokens = params->tokens};
    }
    if (!made || !create_head(decoder, error) || !record(decoder, error)) {
        lw_decoder_destroy(decoder);
        return false;
    }
    *out = decoder;
    return true;
}

void lw_decoder_destroy(struct lw_decoder *decoder)
{
    if (decoder) {
        lw_stream_destroy(decoder->forward);
        lw_stream_destroy(decoder->loss);
        lw_stream_destroy(decoder->backward);
        lw_head_destroy(decoder->head);
        lw_activations_destroy(decoder->activations);
        lw_inputs_destroy(decoder->inputs);
        lw_arena_destroy(decoder->arena);
        lw_free(decoder);
    }
}

bool lw_decoder_submit(struct lw_decoder *decoder, const struct lw_batch *batch, float loss_scale,
    bool backward, struct lw_error *error)
{
    return lw_inputs_submit(decoder->inputs, batch, loss_scale, error) &&
           lw_stream_submit(decoder->forward, NULL, error) &&
           lw_head_submit(decoder->head, batch->trained, backward, error) &&
           lw_stream_submit(decoder->loss, NULL, error) &&
           (!backward || lw_stream_submit(decoder->backward, NULL, error));
}
