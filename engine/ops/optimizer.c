// SPDX-License-Identifier: Apache-2.0
// See optimizer.h.
#include "engine/ops/optimizer.h"

#include "engine/ops/record.h"
#include "shaders/adamw.h"
#include "shaders/norm_finish.h"
#include "shaders/squared_norm.h"

_Static_assert(sizeof(struct lw_optimizer_state) == sizeof(struct lw_adamw_state),
    "the host and the kernel disagree on the state");
_Static_assert(sizeof(struct lw_adamw_row) == LW_ADAMW_ROW_BYTES, "a row has another size");

uint64_t lw_adamw_size(size_t range_count)
{
    return (uint64_t)range_count * LW_ADAMW_ROW_BYTES;
}

static uint64_t groups_of(const struct lw_adamw_range *range)
{
    return lw_divide_up(range->count, (uint64_t)LW_ELEMENTS_GROUP * 4 * LW_CHUNKS);
}

void lw_adamw_rows(const struct lw_adamw *adamw, void *memory)
{
    struct lw_adamw_row *rows = memory;
    uint64_t group = 0;
    for (size_t i = 0; i < adamw->range_count; i++) {
        const struct lw_adamw_range *range = &adamw->ranges[i];
        uint64_t weights = range->weights.size ? range->weights.address : 0;
        uint64_t all = range->master.address | weights | range->gradient.address |
                       range->first_moment.address | range->second_moment.address;
        rows[i] = (struct lw_adamw_row){.master = range->master.address,
            .weights = weights,
            .gradient = range->gradient.address,
            .first_moment = range->first_moment.address,
            .second_moment = range->second_moment.address,
            .count = range->count,
            .first_group = (uint32_t)group,
            .fours = all % 8 == 0,
            .weight_decay = (float)range->weight_decay};
        group += groups_of(range);
    }
}

// The least piece of memory that holds both. What lies between may belong to others, which costs a
// barrier at most.
static void cover(struct lw_access *access, const struct lw_buffer *buffer, uint64_t bytes)
{
    uint64_t begin = buffer->address, end = begin + bytes;
    if (access->size) {
        begin = access->address < begin ? access->address : begin;
        end = access->address + access->size > end ? access->address + access->size : end;
    }
    *access = (struct lw_access){begin, end - begin, true};
}

static bool range_fits(const struct lw_adamw_range *range)
{
    uint64_t bytes = range->count * 4;
    return range->count && range->master.size >= bytes && range->gradient.size >= bytes &&
           range->first_moment.size >= bytes && range->second_moment.size >= bytes &&
           (!range->weights.size || range->weights.size >= bytes / 2);
}

// Adds up what is done, and where; false when a range does not fit.
static bool account(const struct lw_adamw *adamw, struct lw_dispatch *dispatch, uint64_t *groups)
{
    struct lw_access *accesses = dispatch->accesses;
    *groups = 0;
    for (size_t i = 0; i < adamw->range_count; i++) {
        const struct lw_adamw_range *range = &adamw->ranges[i];
        if (!range_fits(range)) {
            return false;
        }
        bool copy = range->weights.size > 0;
        cover(&accesses[0], &range->master, range->count * 4);
        cover(&accesses[1], &range->gradient, range->count * 4);
        cover(&accesses[2], &range->first_moment, range->count * 4);
        cover(&accesses[3], &range->second_moment, range->count * 4);
        if (copy) {
            cover(&accesses[4], &range->weights, range->count * 2);
        }
        dispatch->flops += 16 * (double)range->count;
        dispatch->bytes += (double)range->count * (copy ? 34 : 32);
        *groups += groups_of(range);
    }
    return *groups && *groups <= UINT32_MAX &&
           adamw->rows.size >= lw_adamw_size(adamw->range_count);
}

void lw_adamw(struct lw_stream *stream, const struct lw_adamw *adamw)
{
    struct lw_adamw_args args = {.rows = adamw->rows.address,
        .state = adamw->state.address,
        .grad_norm = adamw->grad_norm.address,
        .row_count = (uint32_t)adamw->range_count,
        .beta1 = (float)adamw->beta1,
        .beta2 = (float)adamw->beta2,
        .new1 = (float)(1 - adamw->beta1),
        .new2 = (float)(1 - adamw->beta2),
        .epsilon = (float)adamw->epsilon};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_ADAMW,
        .args = &args,
        .constant_count = 1,
        .constants = {LW_ELEMENTS_GROUP},
        .access_count = 5};
    uint64_t groups;
    if (!account(adamw, &dispatch, &groups)) {
        lw_stream_fail(
            stream, LW_FAILED, "adamw: one of %zu ranges does not fit", adamw->range_count);
        return;
    }
    for (uint32_t half = 1; half < args.row_count; half *= 2) {
        args.half_count = half;
    }
    dispatch.accesses[dispatch.access_count++] =
        (struct lw_access){args.rows, lw_adamw_size(adamw->range_count), false};
    dispatch.accesses[dispatch.access_count++] =
        (struct lw_access){args.state, adamw->state.size, false};
    dispatch.accesses[dispatch.access_count++] = (struct lw_access){args.grad_norm, 4, false};
    lw_dispatch_linear(&dispatch, groups);
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
