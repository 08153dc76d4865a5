// SPDX-License-Identifier: Apache-2.0
// See steps.h.
#include "engine/bench/steps.h"

#include "engine/base/clock.h"
#include "engine/bench/random_batch.h"
#include "engine/model/random_weights.h"

#define WARM_UP_STEPS 2
#define LEARNING_RATE 1e-5

// What of the parameters is left to choose, and the memory that it takes.
struct choice {
    uint32_t micro_batch;
    struct lw_training_params training;
    struct lw_plan plan;
};

static bool try_choice(struct choice *choice, const struct lw_steps_params *params,
    uint32_t micro_batch, enum lw_keep keep, struct lw_error *error)
{
    choice->micro_batch = micro_batch;
    choice->training = (struct lw_training_params){.config = params->config,
        .type = params->type,
        .tokens = params->sequence * micro_batch,
        .keep = keep,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f};
    return lw_training_plan(&choice->plan, params->device, &choice->training, error);
}

// As the trainer chooses: all activations kept, else smaller micro-batches, else computed again. The
// last and smallest where nothing fits.
static bool choose(
    struct choice *choice, const struct lw_steps_params *params, struct lw_error *error)
{
    uint32_t most = params->micro_batch ? params->micro_batch : params->batch;
    uint32_t least = params->micro_batch ? params->micro_batch : 1;
    for (int i = params->recompute; i < 2; i++) {
        for (uint32_t micro_batch = most; micro_batch >= least; micro_batch--) {
            if (params->batch % micro_batch) {
                continue;
            }
            enum lw_keep keep = i == 0 ? LW_KEEP_ALL : LW_KEEP_INPUTS;
            if (!try_choice(choice, params, micro_batch, keep, error)) {
                return false;
            }
            if (choice->plan.total <= choice->plan.available) {
                return true;
            }
        }
    }
    return lw_fail(error, LW_NO_RESOURCE,
        "%s: a training step with %u sequences of %u tokens at once needs %.2f GiB of device "
        "memory "
        "and %.2f GiB are free; take a smaller model, --micro-batch or --seq",
        params->model, choice->micro_batch, params->sequence, (double)choice->plan.total / 0x1p30,
        (double)choice->plan.available / 0x1p30);
}

// Weights that take part in a product for each token: all but the table that is only looked up.
static double product_weights(const struct lw_config *config, const struct lw_layout *layout)
{
    double table = config->tied ? 0 : (double)config->vocab_size * config->hidden_size;
    return (double)layout->parameter_elements - table;
}

// 6 operations a weight and token, and those of causal attention: 12 a layer, column of the heads
// and pair of query and key, of which there are sequence / 2 a token.
static double model_flops(
    const struct lw_steps_params *params, const struct lw_layout *layout, double tokens)
{
    const struct lw_config *config = params->config;
    double attention =
        12.0 * config->layers * config->heads * config->head_dim * params->sequence / 2;
    return (6 * product_weights(config, layout) + attention) * tokens;
}

static bool submit(const struct lw_steps_params *params, struct lw_training *training,
    const struct lw_batch *batch, uint64_t update, uint64_t *ticket, struct lw_error *error)
{
    uint32_t count = params->sequence * params->batch / batch->used;
    float scale = 1 / ((float)batch->trained * (float)count);
    for (uint32_t i = 0; i < count; i++) {
        if (!lw_decoder_submit(training->decoder, batch, scale, true, error)) {
            return false;
        }
    }
    return lw_optimizer_submit(training->optimizer, update, LEARNING_RATE, 1, ticket, error);
}

static bool read_loss(const struct lw_training *training, uint64_t update,
    const uint64_t tickets[2], double *loss, struct lw_error *error)
{
    struct lw_step_report report;
    bool done =
        lw_optimizer_report(training->optimizer, update, tickets[update % 2], &report, error);
    *loss = done ? (double)report.loss : 0;
    return done;
}

// Steps first .. last, each submitted before the figures of the one before it are asked for, as in
// training; the device is idle before and after.
static bool run(const struct lw_steps_params *params, struct lw_training *training,
    const struct lw_batch *batch, uint64_t first, uint64_t last, double *loss,
    struct lw_error *error)
{
    uint64_t tickets[2] = {0};
    for (uint64_t update = first; update <= last; update++) {
        if (!submit(params, training, batch, update, &tickets[update % 2], error) ||
            (update > first && !read_loss(training, update - 1, tickets, loss, error))) {
            return false;
        }
    }
    return read_loss(training, last, tickets, loss, error);
}

static bool measure(struct lw_steps_figures *figures, const struct lw_steps_params *params,
    struct lw_training *training, const struct lw_batch *batch, struct lw_error *error)
{
    uint64_t last = WARM_UP_STEPS + (uint64_t)params->steps;
    if (!run(params, training, batch, 1, WARM_UP_STEPS, &figures->loss, error)) {
        return false;
    }
    lw_device_usage_begin(params->device);
    struct lw_usage before = lw_device_usage(params->device);
    double start = lw_clock_seconds();
    bool done = run(params, training, batch, WARM_UP_STEPS + 1, last, &figures->loss, error);
    figures->seconds = (lw_clock_seconds() - start) / params->steps;
    struct lw_usage after = lw_device_usage(params->device);
    lw_device_usage_end(params->device);
    figures->usage = (struct lw_usage){
        after.busy - before.busy, after.idle - before.idle, after.waits - before.waits};
    return done;
}

bool lw_bench_steps(
    struct lw_steps_figures *figures, const struct lw_steps_params *params, struct lw_error *error)
{
    struct lw_training *training = NULL;
    struct lw_batch batch = {0};
    struct choice choice = {0};
    if (!choose(&choice, params, error)) {
        return false;
    }
    *figures = (struct lw_steps_figures){.model = params->model,
        .type = params->type,
        .keep = choice.training.keep,
        .sequence = params->sequence,
        .batch = params->batch,
        .micro_batch = choice.micro_batch,
        .steps = params->steps,
        .tokens = (double)params->sequence * params->batch};
    bool done = lw_random_batch(
                    &batch, params->config, choice.training.tokens, params->sequence, 1, error) &&
                lw_training_tune(params->device, &choice.training, params->tune, error) &&
                lw_training_create(&training, params->device, &choice.training, NULL, error) &&
                lw_random_weights(training->master, params->config, 1, error) &&
                lw_training_refresh(training, error) &&
                measure(figures, params, training, &batch, error);
    if (done) {
        figures->parameters = training->layout->parameter_elements;
        figures->model_flops = model_flops(params, training->layout, figures->tokens);
        figures->memory_bytes = lw_device_memory_held(params->device);
    }
    lw_training_destroy(training);
    lw_random_batch_free(&batch);
    return done;
}
