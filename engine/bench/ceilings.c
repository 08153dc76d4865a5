// SPDX-License-Identifier: Apache-2.0
// See ceilings.h.
#include "engine/bench/ceilings.h"

#include <math.h>

#include "engine/bench/timing.h"
#include "engine/ops/convert.h"
#include "engine/ops/fill_random.h"
#include "engine/ops/matmul.h"
#include "engine/ops/multiply_add.h"

#define SECONDS 0.2 // for each measurement

// Sizes that keep the device busy for about a millisecond, whatever it is.
struct sizes {
    uint64_t copy_bytes;
    uint32_t invocations, rounds, product;
};
static const struct sizes cpu_sizes = {(uint64_t)64 << 20, 1 << 13, 64, 1024};
static const struct sizes gpu_sizes = {(uint64_t)512 << 20, 1 << 21, 64, 4096};

static bool is_cpu(const struct lw_device *device)
{
    return lw_device_caps(device)->kind == LW_DEVICE_CPU;
}

static const struct sizes *sizes_of(const struct lw_device *device)
{
    return is_cpu(device) ? &cpu_sizes : &gpu_sizes;
}

struct copy {
    struct lw_buffer from, to;
};

static void record_copy(struct lw_stream *stream, const void *operation)
{
    const struct copy *copy = operation;
    lw_convert(stream, &copy->from, LW_F32, &copy->to, LW_F32, copy->from.size / sizeof(float));
}

static void record_multiply_add(struct lw_stream *stream, const void *operation)
{
    lw_multiply_add(stream, operation);
}

static void record_product(struct lw_stream *stream, const void *operation)
{
    lw_matmul(stream, operation);
}

static bool measure(const struct lw_ceilings *ceilings, struct lw_timing_params *params,
    double *seconds, struct lw_error *error)
{
    struct lw_timing timing;
    params->seconds = SECONDS;
    params->processor_time = ceilings->processor_time;
    bool done = lw_timing_measure(&timing, params, error);
    *seconds = done ? timing.best : 0;
    return done;
}

static bool measure_copy(
    struct lw_ceilings *ceilings, struct lw_device *device, struct lw_error *error)
{
    uint64_t bytes = sizes_of(device)->copy_bytes;
    struct lw_arena *arena = NULL;
    struct lw_arena_params memory = {.name = "copy measurement", .expected = 2 * bytes};
    struct copy copy;
    struct lw_timing_params params = {.device = device, .record = record_copy, .operation = &copy};
    double seconds;
    bool done = lw_arena_create(&arena, device, &memory, error) &&
                lw_arena_allocate(arena, bytes, &copy.from, error) &&
                lw_arena_allocate(arena, bytes, &copy.to, error) &&
                measure(ceilings, &params, &seconds, error);
    ceilings->kernel_copy = done ? 2 * (double)bytes / seconds : 0;
    lw_arena_destroy(arena);
    return done;
}

static bool measure_vector(
    struct lw_ceilings *ceilings, struct lw_device *device, struct lw_error *error)
{
    const struct sizes *sizes = sizes_of(device);
    struct lw_arena *arena = NULL;
    struct lw_arena_params memory = {.name = "arithmetic measurement"};
    struct lw_multiply_add loop = {
        .count = sizes->invocations, .rounds = sizes->rounds, .factor = 0.999f, .addend = 1e-3f};
    struct lw_timing_params params = {
        .device = device, .record = record_multiply_add, .operation = &loop};
    double seconds;
    bool done = lw_arena_create(&arena, device, &memory, error) &&
                lw_arena_allocate(arena, loop.count * sizeof(float), &loop.y, error) &&
                measure(ceilings, &params, &seconds, error);
    ceilings->vector = done ? lw_multiply_add_flops(&loop) / seconds : 0;
    lw_arena_destroy(arena);
    return done;
}

bool lw_ceilings_measure(
    struct lw_ceilings *ceilings, struct lw_device *device, struct lw_error *error)
{
    return measure_copy(ceilings, device, error) && measure_vector(ceilings, device, error) &&
           (!is_cpu(device) || lw_cores_measure(&ceilings->cores, ceilings->processor_time, error));
}

bool lw_ceilings_refresh(struct lw_ceilings *ceilings, struct lw_error *error)
{
    return ceilings->cores.memory_copy == 0 ||
           lw_cores_measure(&ceilings->cores, ceilings->processor_time, error);
}

// Random operands: how much power a product takes, and so its clock, depends on them.
static bool fill(struct lw_device *device, const struct lw_buffer buffers[2], enum lw_type type,
    struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, device, "random operands", error)) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        lw_fill_random(stream, &(struct lw_fill_random){.y = buffers[i],
                                   .type = type,
                                   .count = buffers[i].size / lw_type_size(type),
                                   .seed = i,
                                   .deviation = 1});
    }
    uint64_t ticket;
    bool done = lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}

// Operands, result and scratch of the product, which fits any layout.
static bool allocate(struct lw_arena *arena, struct lw_device *device, uint32_t size,
    struct lw_matmul *product, struct lw_error *error)
{
    enum lw_type type = product->a.type;
    uint64_t bytes = (uint64_t)size * size * lw_type_size(type), scratch = 0;
    struct lw_buffer buffers[3];
    for (int i = 0; i < 3; i++) {
        if (!lw_arena_allocate(arena, bytes, &buffers[i], error)) {
            return false;
        }
    }
    product->a = lw_tensor_of(&buffers[0], type, size, size);
    product->b = lw_tensor_of(&buffers[1], type, size, size);
    product->c = lw_tensor_of(&buffers[2], type, size, size);
    for (int layout = LW_MATMUL_NT; layout <= LW_MATMUL_TN; layout++) {
        product->layout = (enum lw_matmul_layout)layout;
        uint64_t needed = lw_matmul_scratch(device, product);
        scratch = needed > scratch ? needed : scratch;
    }
    return lw_arena_allocate(arena, scratch, &product->scratch, error) &&
           fill(device, buffers, type, error);
}

bool lw_ceilings_measure_product(struct lw_ceilings *ceilings, struct lw_device *device,
    enum lw_type type, enum lw_tune tune, struct lw_error *error)
{
    uint32_t size = sizes_of(device)->product;
    struct lw_arena *arena = NULL;
    struct lw_arena_params memory = {.name = "product measurement"};
    struct lw_matmul product = {.a = {.type = type}};
    struct lw_timing_params params = {
        .device = device, .record = record_product, .operation = &product};
    bool done = lw_arena_create(&arena, device, &memory, error) &&
                allocate(arena, device, size, &product, error);
    ceilings->product_size = size;
    ceilings->products[type] = 0;
    for (int layout = LW_MATMUL_NT; done && layout <= LW_MATMUL_TN; layout++) {
        double seconds;
        product.layout = (enum lw_matmul_layout)layout;
        done = lw_matmul_tune(device, &product, 1, tune, error) &&
               measure(ceilings, &params, &seconds, error);
        double rate = done ? 2.0 * size * size * size / seconds : 0;
        ceilings->products[type] = fmax(ceilings->products[type], rate);
    }
    lw_arena_destroy(arena);
    return done;
}

double lw_ceilings_copy(const struct lw_ceilings *ceilings)
{
    return fmax(ceilings->kernel_copy, ceilings->cores.memory_copy);
}

double lw_ceilings_matrix(const struct lw_ceilings *ceilings, enum lw_type type)
{
    return fmax(fmax(ceilings->vector, ceilings->cores.multiply_add), ceilings->products[type]);
}
