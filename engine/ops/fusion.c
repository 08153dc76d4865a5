// SPDX-License-Identifier: Apache-2.0
// See fusion.h.
#include "engine/ops/fusion.h"

#include <string.h>

#include "engine/ops/record.h"
#include "shaders/divergence.h"
#include "shaders/near_swap.h"
#include "shaders/variance.h"

// One dispatch of up to LW_VARIANCE_TERMS arrays from `first` on.
static void record_turn(
    struct lw_stream *stream, const struct lw_variance *variance, size_t first, bool squares)
{
    size_t rest = variance->array_count - first;
    size_t terms = rest < LW_VARIANCE_TERMS ? rest : LW_VARIANCE_TERMS;
    bool alone = variance->array_count <= LW_VARIANCE_TERMS;
    uint64_t bytes = variance->count * sizeof(float);
    struct lw_variance_args args = {.base = variance->base.buffer.address,
        .mean = variance->mean.address,
        .y = variance->y.address,
        .count = (uint32_t)variance->count,
        .first_turn = first == 0,
        .share = 1 / (float)variance->array_count};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_VARIANCE,
        .args = &args,
        .flops = 4 * (double)variance->count * (double)terms};
    uint64_t addresses = args.base | args.mean | args.y;
    uint32_t types = 0;
    for (size_t k = 0; k < terms; k++) {
        const struct lw_array *x = &variance->x[first + k];
        args.x[k] = x->buffer.address;
        addresses |= x->buffer.address;
        types |= (uint32_t)x->type << (2 * k);
        lw_add_access(&dispatch, lw_array_read(x, variance->count));
    }
    lw_add_access(&dispatch, lw_array_read(&variance->base, variance->count));
    lw_add_access(&dispatch, (struct lw_access){args.mean, alone ? 0 : bytes, !squares});
    lw_add_access(&dispatch, (struct lw_access){args.y, squares ? bytes : 0, true});
    lw_set_elements(&dispatch, addresses, variance->count);
    const uint32_t constants[] = {
        (uint32_t)terms, types, (uint32_t)variance->base.type, squares, alone};
    memcpy(&dispatch.constants[2], constants, sizeof constants);
    dispatch.constant_count = 7;
    lw_stream_dispatch(stream, &dispatch);
}

void lw_variance(struct lw_stream *stream, const struct lw_variance *variance)
{
    bool alone = variance->array_count <= LW_VARIANCE_TERMS;
    uint64_t bytes = variance->count * sizeof(float);
    bool fits = variance->array_count && variance->count <= UINT32_MAX &&
                lw_array_fits(&variance->base, variance->count) && variance->y.size >= bytes &&
                (alone || variance->mean.size >= bytes);
    for (size_t k = 0; fits && k < variance->array_count; k++) {
        fits = lw_array_fits(&variance->x[k], variance->count);
    }
    if (!fits) {
        lw_stream_fail(stream, LW_FAILED, "variance: %zu arrays of %llu elements do not fit",
            variance->array_count, (unsigned long long)variance->count);
        return;
    }
    for (int squares = alone; squares <= 1; squares++) {
        for (size_t first = 0; first < variance->array_count; first += LW_VARIANCE_TERMS) {
            record_turn(stream, variance, first, squares);
        }
    }
}

void lw_divergence(struct lw_stream *stream, const struct lw_divergence *divergence)
{
    const struct lw_array *x = &divergence->x, *base = &divergence->base;
    uint64_t count = (uint64_t)divergence->rows * divergence->columns;
    if (!lw_array_fits(x, count) || !lw_array_fits(base, count) ||
        divergence->importance.size < count * sizeof(float)) {
        lw_stream_fail(stream, LW_FAILED, "divergence: %u rows of %u do not fit", divergence->rows,
            divergence->columns);
        return;
    }
    struct lw_divergence_args args = {.x = x->buffer.address,
        .base = base->buffer.address,
        .importance = divergence->importance.address,
        .rows = divergence->rows,
        .columns = divergence->columns};
    struct lw_dispatch dispatch = {
        .kernel = LW_KERNEL_DIVERGENCE, .args = &args, .flops = 60 * (double)count};
    lw_add_access(&dispatch, lw_array_read(x, count));
    lw_add_access(&dispatch, lw_array_read(base, count));
    lw_add_access(&dispatch, (struct lw_access){args.importance, count * sizeof(float), true});
    bool aligned = (args.x | args.base | args.importance) % 8 == 0 && divergence->columns % 4 == 0;
    lw_set_row_constants(stream, &dispatch, divergence->columns, aligned);
    dispatch.constants[3] = lw_array_type(x);
    dispatch.constants[4] = lw_array_type(base);
    dispatch.constant_count = 5;
    lw_dispatch_linear(&dispatch, divergence->rows);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_near_swap(struct lw_stream *stream, const struct lw_near_swap *swap)
{
    if (swap->count > UINT32_MAX || !lw_array_fits(&swap->x, swap->count) ||
        !lw_array_fits(&swap->base, swap->count) || !lw_array_fits(&swap->y, swap->count)) {
        lw_stream_fail(stream, LW_FAILED, "near_swap: %llu elements do not fit",
            (unsigned long long)swap->count);
        return;
    }
    struct lw_near_swap_args args = {.x = swap->x.buffer.address,
        .base = swap->base.buffer.address,
        .y = swap->y.buffer.address,
        .count = (uint32_t)swap->count,
        .t = swap->t};
    struct lw_dispatch dispatch = {
        .kernel = LW_KERNEL_NEAR_SWAP, .args = &args, .flops = 8 * (double)swap->count};
    lw_add_access(&dispatch, lw_array_read(&swap->x, swap->count));
    lw_add_access(&dispatch, lw_array_read(&swap->base, swap->count));
    lw_add_access(&dispatch, lw_array_write(&swap->y, swap->count));
    lw_set_elements(&dispatch, args.x | args.base | args.y, swap->count);
    dispatch.constants[2] = lw_array_type(&swap->x);
    dispatch.constants[3] = lw_array_type(&swap->base);
    dispatch.constants[4] = lw_array_type(&swap->y);
    dispatch.constant_count = 5;
    lw_stream_dispatch(stream, &dispatch);
}
