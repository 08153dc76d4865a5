// SPDX-License-Identifier: Apache-2.0
// See optimizer.h.
#include "engine/ops/optimizer.h"

#include "engine/ops/record.h"
#include "shaders/adamw.h"
#include "shaders/norm_finish.h"
#include "shaders/squared_norm.h"

_Static_assert(sizeof(struct lw_optimizer_state) == sizeof(struct lw_adamw_state),
    "the host and the kernel disagree on the state");

void lw_adamw(struct lw_stream *stream, const struct lw_adamw *adamw)
{
    uint64_t count = adamw->count, bytes = count * 4, weight_bytes = count * 2;
    bool copy = adamw->weights.size > 0;
    if (adamw->master.size < bytes || adamw->gradient.size < bytes ||
        adamw->first_moment.size < bytes || adamw->second_moment.size < bytes ||
        (copy && adamw->weights.size < weight_bytes)) {
        lw_stream_fail(stream, LW_FAILED, "adamw: a buffer is smaller than %llu elements",
            (unsigned long long)count);
        return;
    }
    struct lw_adamw_args args = {.master = adamw->master.address,
        .weights = copy ? adamw->weights.address : 0,
        .gradient = adamw->gradient.address,
        .first_moment = adamw->first_moment.address,
        .second_moment = adamw->second_moment.address,
        .state = adamw->state.address,
        .grad_norm = adamw->grad_norm.address,
        .count = count,
        .beta1 = (float)adamw->beta1,
        .beta2 = (float)adamw->beta2,
        .new1 = (float)(1 - adamw->beta1),
        .new2 = (float)(1 - adamw->beta2),
        .epsilon = (float)adamw->epsilon,
        .weight_decay = (float)adamw->weight_decay};
    uint64_t all =
        args.master | args.weights | args.gradient | args.first_moment | args.second_moment;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_ADAMW,
        .args = &args,
        .access_count = 7,
        .accesses = {{args.master, bytes, true}, {args.weights, copy ? weight_bytes : 0, true},
            {args.gradient, bytes, true}, {args.first_moment, bytes, true},
            {args.second_moment, bytes, true}, {args.state, adamw->state.size, false},
            {args.grad_norm, 4, false}},
        .flops = 16 * (double)count,
        .bytes = (double)count * (copy ? 34 : 32)};
    lw_set_elements(&dispatch, all, count);
    lw_stream_dispatch(stream, &dispatch);
}

uint32_t lw_squared_norm_partials(uint64_t count)
{
    return (uint32_t)lw_divide_up(count, LW_NORM_PIECE);
}

void lw_squared_norm(struct lw_stream *stream, const struct lw_buffer *values, uint64_t count,
    const struct lw_buffer *partial)
{
    uint32_t pieces = lw_squared_norm_partials(count);
    if (values->size < count * 4 || partial->size < (uint64_t)pieces * 4) {
        lw_stream_fail(stream, LW_FAILED, "squared_norm: a buffer is too small for %llu elements",
            (unsigned long long)count);
        return;
    }
    struct lw_squared_norm_args args = {values->address, partial->address, count};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_SQUARED_NORM,
        .args = &args,
        .access_count = 2,
        .accesses = {{values->address, count * 4, false},
            {partial->address, (uint64_t)pieces * 4, true}},
        .flops = 2 * (double)count,
        .bytes = 4 * (double)count};
    // The last piece may have any length.
    lw_set_row_constants(stream, &dispatch, UINT32_MAX, values->address % 8 == 0);
    lw_dispatch_linear(&dispatch, pieces);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_norm_finish(struct lw_stream *stream, const struct lw_buffer *partial, uint32_t count,
    const struct lw_buffer *norm)
{
    if (partial->size < (uint64_t)count * 4) {
        lw_stream_fail(stream, LW_FAILED, "norm_finish: fewer than %u partial sums", count);
        return;
    }
    struct lw_norm_finish_args args = {
        .partial = partial->address, .norm = norm->address, .count = count};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_NORM_FINISH,
        .args = &args,
        .access_count = 2,
        .accesses = {{partial->address, (uint64_t)count * 4, false}, {norm->address, 4, true}},
        .bytes = 4.0 * count};
    lw_set_single_group(stream, &dispatch, partial->address % 8 == 0);
    lw_stream_dispatch(stream, &dispatch);
}
