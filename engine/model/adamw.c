// SPDX-License-Identifier: Apache-2.0
// Records and submits the optimizer. See adamw.h.
#include "engine/model/adamw.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/transfer.h"

struct lw_optimizer {
    struct lw_device *device;
    struct lw_adamw_params params;
    struct lw_arena *arena, *staging_arena;
    struct lw_buffer state;     // struct lw_optimizer_state on the device
    struct lw_buffer report;    // struct lw_step_report on the device
    struct lw_buffer partials;  // of the squared norm
    struct lw_buffer rows;      // of the ranges of weights
    struct lw_buffer states[2]; // staging, by update % 2
    struct lw_buffer reports[2];
    struct lw_stream *update;
    struct lw_stream *uploads[2], *downloads[2];
};

static uint32_t partial_count(const struct lw_layout *layout)
{
    uint32_t count = 0;
    for (size_t i = 0; i < layout->group_count; i++) {
        count += lw_squared_norm_partials(layout->groups[i].count);
    }
    return count;
}

// In each group of the layout come the weights that decay first.
static size_t most_ranges(const struct lw_layout *layout)
{
    return 2 * layout->group_count;
}

uint64_t lw_optimizer_size(const struct lw_layout *layout)
{
    return (uint64_t)partial_count(layout) * sizeof(float) + lw_adamw_size(most_ranges(layout)) +
           9 * 256;
}

static bool allocate(struct lw_optimizer *optimizer, struct lw_error *error)
{
    const struct lw_layout *layout = optimizer->params.master->layout;
    uint64_t partials = (uint64_t)partial_count(layout) * sizeof(float);
    uint64_t rows = lw_adamw_size(most_ranges(layout));
    const struct lw_arena_params on_device = {
        .name = "optimizer", .expected = partials + rows + 1280};
    const struct lw_arena_params on_host = {
        .name = "optimizer staging", .memory = LW_MEMORY_HOST, .expected = 1024};
    bool done = lw_arena_create(&optimizer->arena, optimizer->device, &on_device, error) &&
                lw_arena_create(&optimizer->staging_arena, optimizer->device, &on_host, error) &&
                lw_arena_allocate(optimizer->arena, sizeof(struct lw_optimizer_state),
                    &optimizer->state, error) &&
                lw_arena_allocate(
                    optimizer->arena, sizeof(struct lw_step_report), &optimizer->report, error) &&
                lw_arena_allocate(optimizer->arena, partials, &optimizer->partials, error) &&
                lw_arena_allocate(optimizer->arena, rows, &optimizer->rows, error);
    for (int i = 0; done && i < 2; i++) {
        done = lw_arena_allocate(optimizer->staging_arena, sizeof(struct lw_optimizer_state),
                   &optimizer->states[i], error) &&
               lw_arena_allocate(optimizer->staging_arena, sizeof(struct lw_step_report),
                   &optimizer->reports[i], error);
    }
    return done;
}

static struct lw_buffer grad_norm_part(const struct lw_optimizer *optimizer)
{
    return lw_buffer_part(
        &optimizer->report, offsetof(struct lw_step_report, grad_norm), sizeof(float));
}

static void record_norm(const struct lw_optimizer *optimizer, struct lw_stream *stream)
{
    const struct lw_store *gradients = optimizer->params.gradients;
    uint32_t first = 0;
    for (size_t i = 0; i < gradients->layout->group_count; i++) {
        uint64_t count = gradients->layout->groups[i].count;
        uint32_t partials = lw_squared_norm_partials(count);
        struct lw_buffer part = lw_buffer_part(&optimizer->partials,
            (uint64_t)first * sizeof(float), (uint64_t)partials * sizeof(float));
        lw_squared_norm(stream, &gradients->groups[i], count, &part);
        first += partials;
    }
    struct lw_buffer norm = grad_norm_part(optimizer);
    lw_norm_finish(stream, &optimizer->partials, first, &norm);
}

static struct lw_buffer range(
    const struct lw_store *store, size_t group, uint64_t first, uint64_t count)
{
    uint64_t size = lw_type_size(store->type);
    return lw_buffer_part(&store->groups[group], first * size, count * size);
}

// The elements [first, end) of a group, if there are any, as the next of the ranges.
static void add_range(const struct lw_optimizer *optimizer, struct lw_adamw_range *ranges,
    size_t *count, size_t group, uint64_t first, uint64_t end, double decay)
{
    const struct lw_adamw_params *params = &optimizer->params;
    uint64_t elements = end - first;
    bool copy = params->weights != params->master;
    if (elements) {
        ranges[(*count)++] = (struct lw_adamw_range){.count = elements,
            .weight_decay = decay,
            .master = range(params->master, group, first, elements),
            .weights =
                copy ? range(params->weights, group, first, elements) : (struct lw_buffer){0},
            .gradient = range(params->gradients, group, first, elements),
            .first_moment = range(params->first_moments, group, first, elements),
            .second_moment = range(params->second_moments, group, first, elements)};
    }
}

static bool record_adamw(
    const struct lw_optimizer *optimizer, struct lw_stream *stream, struct lw_error *error)
{
    const struct lw_adamw_params *params = &optimizer->params;
    const struct lw_layout *layout = params->master->layout;
    size_t most = most_ranges(layout), count = 0;
    struct lw_adamw_range *ranges = lw_calloc(most, sizeof *ranges, error);
    void *rows = lw_calloc(1, (size_t)lw_adamw_size(most), error);
    bool done = ranges && rows;
    for (size_t i = 0; done && i < layout->group_count; i++) {
        const struct lw_group *group = &layout->groups[i];
        uint64_t decayed = params->decay_all ? group->count : group->decayed;
        add_range(optimizer, ranges, &count, i, 0, decayed, params->weight_decay);
        add_range(optimizer, ranges, &count, i, decayed, group->count, 0);
    }
    const struct lw_adamw adamw = {.ranges = ranges,
        .range_count = count,
        .beta1 = params->beta1,
        .beta2 = params->beta2,
        .epsilon = params->epsilon,
        .rows = optimizer->rows,
        .state = optimizer->state,
        .grad_norm = grad_norm_part(optimizer)};
    if (done) {
        lw_adamw_rows(&adamw, rows);
        done = lw_upload(optimizer->device, &optimizer->rows, 0, rows, lw_adamw_size(count), error);
        lw_adamw(stream, &adamw);
    }
    lw_free(ranges);
    lw_free(rows);
    return done;
}

static bool record(struct lw_optimizer *optimizer, struct lw_error *error)
{
    const struct lw_adamw_params *params = &optimizer->params;
    if (!lw_stream_create(&optimizer->update, optimizer->device, "the update", error)) {
        return false;
    }
    struct lw_buffer loss =
        lw_buffer_part(&optimizer->report, offsetof(struct lw_step_report, loss), sizeof(float));
    lw_stream_copy(optimizer->update, &params->loss_sum, &loss);
    lw_stream_fill(optimizer->update, &params->loss_sum, 0);
    record_norm(optimizer, optimizer->update);
    bool done = record_adamw(optimizer, optimizer->update, error) &&
                lw_stream_end(optimizer->update, error);
    for (int i = 0; done && i < 2; i++) {
        done = lw_stream_create(
                   &optimizer->uploads[i], optimizer->device, "the learning rate", error) &&
               lw_stream_create(
                   &optimizer->downloads[i], optimizer->device, "the step's figures", error);
        if (done) {
            lw_stream_copy(optimizer->uploads[i], &optimizer->states[i], &optimizer->state);
            lw_stream_copy(optimizer->downloads[i], &optimizer->report, &optimizer->reports[i]);
            done = lw_stream_end(optimizer->uploads[i], error) &&
                   lw_stream_end(optimizer->downloads[i], error);
        }
    }
    return done;
}

bool lw_optimizer_create(struct lw_optimizer **out, struct lw_device *device,
    const struct lw_adamw_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_optimizer *optimizer = lw_calloc(1, sizeof *optimizer, error);
    if (!optimizer) {
        return false;
    }
    optimizer->device = device;
    optimizer->params = *params;
    if (!allocate(optimizer, error) || !record(optimizer, error)) {
        lw_optimizer_destroy(optimizer);
        return false;
    }
    *out = optimizer;
    return true;
}

void lw_optimizer_destroy(struct lw_optimizer *optimizer)
{
    if (optimizer) {
        for (int i = 0; i < 2; i++) {
            lw_stream_destroy(optimizer->uploads[i]);
            lw_stream_destroy(optimizer->downloads[i]);
        }
        lw_stream_destroy(optimizer->update);
        lw_arena_destroy(optimizer->arena);
        lw_arena_destroy(optimizer->staging_arena);
        lw_free(optimizer);
    }
}

bool lw_optimizer_submit(struct lw_optimizer *optimizer, uint64_t update, double learning_rate,
    float max_grad_norm, uint64_t *ticket, struct lw_error *error)
{
    const struct lw_adamw_params *params = &optimizer->params;
    const struct lw_optimizer_state state = {.learning_rate = (float)learning_rate,
        .beta1_correction = (float)(1 - pow((double)params->beta1, (double)update)),
        .beta2_correction = (float)sqrt(1 - pow((double)params->beta2, (double)update)),
        .max_grad_norm = max_grad_norm};
    unsigned slot = (unsigned)(update % 2);
    memcpy(optimizer->states[slot].mapped, &state, sizeof state);
    return lw_stream_submit(optimizer->uploads[slot], NULL, error) &&
           lw_stream_submit(optimizer->update, NULL, error) &&
           lw_stream_submit(optimizer->downloads[slot], ticket, error);
}

bool lw_optimizer_report(struct lw_optimizer *optimizer, uint64_t update, uint64_t ticket,
    struct lw_step_report *report, struct lw_error *error)
{
    if (!lw_device_wait(optimizer->device, ticket, error)) {
        return false;
    }
    memcpy(report, optimizer->reports[update % 2].mapped, sizeof *report);
    if (!isfinite(report->loss) || !isfinite(report->grad_norm)) {
        return lw_fail(error, LW_FAILED,
            "the loss is %g and the gradient norm %g in step %llu. If the loss was rising, begin "
            "anew with a lower learning_rate; if it was not, the device or its driver returned "
            "garbage: go on from the last checkpoint",
            (double)report->loss, (double)report->grad_norm, (unsigned long long)update);
    }
    return true;
}
