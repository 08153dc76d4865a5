// SPDX-License-Identifier: Apache-2.0
// The decoder over micro-batches of a fixed number of tokens: recorded once, submitted again and
// again.
#ifndef LW_MODEL_DECODER_H
#define LW_MODEL_DECODER_H

#include "engine/model/activations.h"
#include "engine/model/head.h"
#include "engine/model/inputs.h"
#include "engine/model/layer.h"

struct lw_decoder_params {
    const struct lw_config *config;
    const struct lw_store *weights;
    const struct lw_store *gradients; // NULL: losses only
    uint32_t tokens;                  // per micro-batch
    enum lw_keep keep;                // LW_KEEP_NOTHING when gradients is NULL
};

struct lw_decoder {
    struct lw_decoder_params params;
    struct lw_device *device;
    struct lw_inputs *inputs;
    struct lw_activations *activations;
    struct lw_head *head;
    struct lw_arena *arena;
    struct lw_buffer inverse_frequency, scratch;
    struct lw_buffer loss_sum; // one fp32, added to by every micro-batch
    struct lw_layer_context context;
    struct lw_stream *forward, *loss, *backward;
};

// Everything given must outlive the decoder.
bool lw_decoder_create(struct lw_decoder **decoder, struct lw_device *device,
    const struct lw_decoder_params *params, struct lw_error *error);
void lw_decoder_destroy(struct lw_decoder *decoder); // the device must be done

// Device bytes that lw_decoder_create takes, by what they are for.
struct lw_decoder_size {
    uint64_t inputs, activations, head, scratch;
};
struct lw_decoder_size lw_decoder_size(const struct lw_device *device,
    const struct lw_config *config, enum lw_type type, uint32_t tokens, enum lw_keep keep);

// Submits a micro-batch: decoder->loss_sum += loss_scale * sum of its losses; with `backward`, the
// gradients of that are added to the gradient store. Does not wait for the device. Afterwards
// decoder->head->losses holds -log p of each trained row.
bool lw_decoder_submit(struct lw_decoder *decoder, const struct lw_batch *batch, float loss_scale,
    bool backward, struct lw_error *error);

#endif
