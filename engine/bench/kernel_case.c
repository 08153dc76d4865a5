// SPDX-License-Identifier: Apache-2.0
// See kernel_case.h.
#include "engine/bench/kernel_case.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/bench/timing.h"
#include "engine/ops/fill_random.h"

bool lw_case_begin(struct lw_kernel_case *c, const char *name, const char *format, ...)
{
    const char *filter = c->params->filter;
    if (c->failed || (filter && !strstr(name, filter))) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->shape, sizeof c->shape, format, arguments);
    va_end(arguments);
    c->name = name;
    c->seed = 0;
    const struct lw_arena_params arena = {.name = name};
    c->failed = !lw_arena_create(&c->arena, c->params->device, &arena, c->error) ||
                !lw_stream_create(&c->fill, c->params->device, "random operands", c->error);
    return true;
}

struct lw_buffer lw_case_buffer(struct lw_kernel_case *c, uint64_t bytes)
{
    struct lw_buffer buffer = {0};
    c->failed = c->failed || !lw_arena_allocate(c->arena, bytes, &buffer, c->error);
    return buffer;
}

static void fill(
    struct lw_kernel_case *c, const struct lw_buffer *buffer, enum lw_type type, float deviation)
{
    if (!c->failed) {
        lw_fill_random(c->fill, &(struct lw_fill_random){.y = *buffer,
                                    .type = type,
                                    .count = buffer->size / lw_type_size(type),
                                    .seed = c->seed++,
                                    .deviation = deviation});
    }
}

struct lw_tensor lw_case_tensor_of(
    struct lw_kernel_case *c, enum lw_type type, uint32_t rows, uint32_t columns)
{
    struct lw_buffer buffer = lw_case_buffer(c, (uint64_t)rows * columns * lw_type_size(type));
    fill(c, &buffer, type, 1);
    return lw_tensor_of(&buffer, type, rows, columns);
}

struct lw_tensor lw_case_tensor(struct lw_kernel_case *c, uint32_t rows, uint32_t columns)
{
    return lw_case_tensor_of(c, c->params->type, rows, columns);
}

struct lw_buffer lw_case_numbers(struct lw_kernel_case *c, uint64_t count, float deviation)
{
    struct lw_buffer buffer = lw_case_buffer(c, count * sizeof(float));
    fill(c, &buffer, LW_F32, deviation);
    return buffer;
}

static bool run(struct lw_kernel_case *c, const struct lw_case_work *work)
{
    const struct lw_kernels_params *params = c->params;
    const struct lw_timing_params timing_params = {.device = params->device,
        .record = work->record,
        .operation = work->operation,
        .seconds = params->seconds};
    struct lw_timing timing;
    if (!lw_stream_end(c->fill, c->error) || !lw_stream_submit(c->fill, NULL, c->error) ||
        !lw_timing_measure(&timing, &timing_params, c->error)) {
        return false;
    }
    params->figures(params->context, &(struct lw_kernel_figures){.model = params->model,
                                         .kernel = c->name,
                                         .shape = c->shape,
                                         .type = params->type,
                                         .seconds = timing.best,
                                         .median = timing.median,
                                         .bytes = work->bytes,
                                         .flops = work->flops,
                                         .product = work->product});
    return true;
}

void lw_case_end(struct lw_kernel_case *c, const struct lw_case_work *work)
{
    if (!c->failed && !run(c, work)) {
        c->failed = true;
        lw_fail_in(c->error, "%s, %s, %s", c->params->model, c->name, c->shape);
        lw_device_wait_all(c->params->device, NULL);
    }
    lw_stream_destroy(c->fill);
    lw_arena_destroy(c->arena);
    c->fill = NULL;
    c->arena = NULL;
}
