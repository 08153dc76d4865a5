// SPDX-License-Identifier: Apache-2.0
// Which plan does a product fastest on this device: each is recorded, run and timed on memory of its
// own, and the best one's number is kept as a choice of the device. See matmul.h.
#include "engine/base/alloc.h"
#include "engine/gpu/choices.h"
#include "engine/ops/matmul_private.h"
#include "engine/ops/measure.h"

#define FAST_SECONDS 0.003 // of running one plan
#define FULL_SECONDS 0.03

// Gives `tensor` memory, if it is there, filled with small numbers of either sign.
static bool allocate(struct lw_arena *arena, struct lw_stream *stream, struct lw_tensor *tensor,
    struct lw_error *error)
{
    struct lw_buffer buffer;
    if (!tensor->address) {
        return true;
    }
    if (!lw_arena_allocate(arena, lw_tensor_span(tensor), &buffer, error)) {
        return false;
    }
    lw_stream_fill(stream, &buffer, 0x3c23bc81); // of bf16 a pair, of fp32 one: about 0.01
    tensor->address = buffer.address;
    return true;
}

// Puts `product` on memory of its own in a new arena.
static bool allocate_product(struct lw_device *device, struct lw_matmul *product,
    struct lw_arena **arena, struct lw_error *error)
{
    struct lw_arena_params params = {.name = "measuring products"};
    bool accumulates = product->add.address && product->add.address == product->c.address;
    struct lw_stream *stream = NULL;
    uint64_t ticket, scratch = lw_matmul_scratch(device, product);
    product->scratch = (struct lw_buffer){0};
    bool done = lw_arena_create(arena, device, &params, error) &&
                lw_stream_create(&stream, device, "measuring products", error) &&
                allocate(*arena, stream, &product->a, error) &&
                allocate(*arena, stream, &product->b, error) &&
                allocate(*arena, stream, &product->c, error) &&
                allocate(*arena, stream, &product->bias, error) &&
                (accumulates || allocate(*arena, stream, &product->add, error)) &&
                (!scratch || lw_arena_allocate(*arena, scratch, &product->scratch, error)) &&
                lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(device, ticket, error);
    if (accumulates) {
        product->add.address = product->c.address;
    }
    lw_stream_destroy(stream);
    return done;
}

static bool measure_plan(struct lw_device *device, const struct lw_matmul_variant *variant,
    const struct lw_matmul *product, const struct lw_matmul_plan *plan, double seconds,
    double *result, struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, device, "measuring a product", error)) {
        return false;
    }
    variant->record(variant, stream, product, plan);
    bool done = lw_stream_end(stream, error) && lw_measure(stream, seconds, result, error);
    lw_stream_destroy(stream);
    return done;
}

static bool tune_product(struct lw_device *device, const struct lw_matmul *wanted,
    enum lw_tune tune, struct lw_error *error)
{
    const struct lw_matmul_variant *variant = lw_matmul_variant_for(device, wanted);
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    char name[LW_MATMUL_NAME_SIZE];
    uint32_t known, best = 0;
    uint32_t count = variant->plans ? variant->plans(variant, device, wanted, plans) : 0;
    lw_matmul_choice_name(variant, wanted, name);
    if (count < 2 || (tune == LW_TUNE_FAST && lw_choice_get(device, name, &known))) {
        return true;
    }
    struct lw_matmul product = *wanted;
    struct lw_arena *arena = NULL;
    bool done = allocate_product(device, &product, &arena, error);
    if (!done && error->status == LW_NO_RESOURCE) {
        lw_arena_destroy(arena);
        *error = (struct lw_error){0};
        return true;
    }
    // Which tiles there are may turn on how operands lie, and only these have their addresses.
    count = done ? variant->plans(variant, device, &product, plans) : 0;
    double best_seconds = 0;
    for (uint32_t i = 0; done && i < count; i++) {
        // Tiles do not change the order of sums. Slices do, so only who asks for it gets others.
        if (tune == LW_TUNE_FAST && plans[i].slices != plans[0].slices) {
            continue;
        }
        double seconds, time = tune == LW_TUNE_FULL ? FULL_SECONDS : FAST_SECONDS;
        done = measure_plan(device, variant, &product, &plans[i], time, &seconds, error);
        if (done && (i == 0 || seconds < best_seconds)) {
            best = i;
            best_seconds = seconds;
        }
    }
    lw_arena_destroy(arena);
    return done && lw_choice_set(device, name, best, error);
}

bool lw_matmul_tune(struct lw_device *device, const struct lw_matmul *products, size_t count,
    enum lw_tune tune, struct lw_error *error)
{
    bool cpu = lw_device_caps(device)->kind == LW_DEVICE_CPU;
    if (tune == LW_TUNE_OFF || (tune == LW_TUNE_FAST && cpu)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tune_product(device, &products[i], tune, error)) {
            return lw_fail_in(error, "measuring the ways to do a matrix product (--tune off does "
                                     "without)");
        }
    }
    lw_choices_save(device);
    return true;
}
