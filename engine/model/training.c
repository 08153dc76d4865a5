// SPDX-License-Identifier: Apache-2.0
// Plans, allocates and loads what training needs on the device. See training.h.
#include "engine/model/training.h"

#include "engine/base/alloc.h"
#include "engine/ops/convert.h"

// Groups of at most 1 GiB in fp32.
#define GROUP_ELEMENTS ((uint64_t)1 << 28)

static void add_row(struct lw_plan *plan, const char *name, uint64_t bytes)
{
    plan->rows[plan->row_count].name = name;
    plan->rows[plan->row_count++].bytes = bytes;
    plan->total += bytes;
}

bool lw_training_plan(struct lw_plan *plan, const struct lw_device *device,
    const struct lw_training_params *params, struct lw_error *error)
{
    struct lw_layout *layout;
    if (!lw_layout_create(&layout, params->config, GROUP_ELEMENTS, error)) {
        return false;
    }
    uint64_t elements = lw_layout_elements(layout);
    struct lw_decoder_size decoder =
        lw_decoder_size(device, params->config, params->type, params->tokens, params->keep);
    *plan = (struct lw_plan){.available = lw_device_memory_free(device)};
    add_row(plan, "weights", elements * lw_type_size(params->type));
    if (params->type != LW_F32) {
        add_row(plan, "master weights (fp32)", elements * 4);
    }
    add_row(plan, "gradients (fp32)", elements * 4);
    add_row(plan, "AdamW moments (fp32)", elements * 8);
    add_row(plan, "activations", decoder.activations);
    add_row(plan, "head and loss", decoder.head);
    add_row(plan, "scratch", decoder.scratch);
    add_row(plan, "batches and staging", decoder.inputs + lw_optimizer_size(layout));
    lw_layout_destroy(layout);
    return true;
}

bool lw_training_tune(struct lw_device *device, const struct lw_training_params *params,
    enum lw_tune tune, struct lw_error *error)
{
    const struct lw_config *config = params->config;
    struct lw_matmul products[LW_LAYER_PRODUCTS + LW_HEAD_PRODUCTS];
    size_t count = lw_layer_products(config, params->type, params->tokens, true, products);
    uint32_t rows = lw_head_chunk_rows(device, config, params->tokens);
    count += lw_head_products(config, params->type, rows, true, products + count);
    return lw_matmul_tune(device, products, count, tune, error);
}

static bool create_stores(struct lw_training *training, struct lw_error *error)
{
    struct lw_device *device = training->device;
    const struct lw_layout *layout = training->layout;
    enum lw_type type = training->params.type;
    if (!lw_store_create(&training->weights, device, layout, type, "weights", error)) {
        return false;
    }
    training->master = training->weights;
    return (type == LW_F32 || lw_store_create(&training->master, device, layout, LW_F32,
                                  "master weights", error)) &&
           lw_store_create(&training->gradients, device, layout, LW_F32, "gradients", error) &&
           lw_store_create(
               &training->first_moments, device, layout, LW_F32, "first moments", error) &&
           lw_store_create(
               &training->second_moments, device, layout, LW_F32, "second moments", error);
}

static bool create_programs(struct lw_training *training, struct lw_error *error)
{
    const struct lw_training_params *params = &training->params;
    const struct lw_decoder_params decoder = {.config = params->config,
        .weights = training->weights,
        .gradients = training->gradients,
        .tokens = params->tokens,
        .keep = params->keep};
    if (!lw_decoder_create(&training->decoder, training->device, &decoder, error)) {
        return false;
    }
    const struct lw_adamw_params adamw = {.weights = training->weights,
        .master = training->master,
        .gradients = training->gradients,
        .first_moments = training->first_moments,
        .second_moments = training->second_moments,
        .loss_sum = training->decoder->loss_sum,
        .beta1 = params->beta1,
        .beta2 = params->beta2,
        .epsilon = params->epsilon,
        .weight_decay = params->weight_decay,
        .decay_all = params->decay_all};
    return lw_optimizer_create(&training->optimizer, training->device, &adamw, error);
}

bool lw_training_create(struct lw_training **out, struct lw_device *device,
    const struct lw_training_params *params, const struct lw_checkpoint *checkpoint,
    struct lw_error *error)
{
    *out = NULL;
    struct lw_training *training = lw_calloc(1, sizeof *training, error);
    if (!training) {
        return false;
    }
    training->params = *params;
    training->device = device;
    if (!lw_layout_create(&training->layout, params->config, GROUP_ELEMENTS, error) ||
        !create_stores(training, error) ||
        (checkpoint && (!lw_store_load(training->master, checkpoint, error) ||
                           !lw_training_refresh(training, error))) ||
        !create_programs(training, error)) {
        lw_training_destroy(training);
        return false;
    }
    *out = training;
    return true;
}

void lw_training_destroy(struct lw_training *training)
{
    if (!training) {
        return;
    }
    // After a failure the device may still be at work on what follows it.
    lw_device_wait_all(training->device, NULL);
    lw_optimizer_destroy(training->optimizer);
    lw_decoder_destroy(training->decoder);
    lw_store_destroy(training->second_moments);
    lw_store_destroy(training->first_moments);
    lw_store_destroy(training->gradients);
    if (training->master != training->weights) {
        lw_store_destroy(training->master);
    }
    lw_store_destroy(training->weights);
    lw_layout_destroy(training->layout);
    lw_free(training);
}

bool lw_training_refresh(struct lw_training *training, struct lw_error *error)
{
    if (training->master == training->weights) {
        return true;
    }
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, training->device, "rounding the weights", error)) {
        return false;
    }
    for (size_t i = 0; i < training->layout->group_count; i++) {
        lw_convert(stream, &training->master->groups[i], LW_F32, &training->weights->groups[i],
            training->params.type, training->layout->groups[i].count);
    }
    uint64_t ticket;
    bool done = lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(training->device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}
