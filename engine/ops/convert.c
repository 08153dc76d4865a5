// SPDX-License-Identifier: Apache-2.0
// See convert.h.
#include "engine/ops/convert.h"

#include "engine/ops/record.h"
#include "shaders/convert.h"
#include "shaders/weighted_add.h"

// Dispatches an element-wise kernel of four elements an invocation.
static void dispatch(
    struct lw_stream *stream, struct lw_dispatch *dispatch, bool in_fours, uint64_t count)
{
    uint32_t group = lw_group_size(stream);
    dispatch->constant_count = 2;
    dispatch->constants[0] = group;
    dispatch->constants[1] = in_fours;
    lw_dispatch_linear(dispatch, lw_divide_up(count, (uint64_t)group * 4));
    lw_stream_dispatch(stream, dispatch);
}

void lw_convert(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    const struct lw_buffer *y, enum lw_type y_type, uint64_t count)
{
    static const enum lw_kernel_id kernels[LW_TYPE_COUNT][LW_TYPE_COUNT] = {
        {LW_KERNEL_CONVERT_F32_F32, LW_KERNEL_CONVERT_F32_BF16, LW_KERNEL_CONVERT_F32_F16},
        {LW_KERNEL_CONVERT_BF16_F32, LW_KERNEL_CONVERT_BF16_BF16, LW_KERNEL_CONVERT_BF16_F16},
        {LW_KERNEL_CONVERT_F16_F32, LW_KERNEL_CONVERT_F16_BF16, LW_KERNEL_CONVERT_F16_F16},
    };
    uint64_t x_bytes = count * lw_type_size(x_type), y_bytes = count * lw_type_size(y_type);
    if (x->size < x_bytes || y->size < y_bytes) {
        lw_stream_fail(stream, LW_FAILED, "convert: a buffer is smaller than %llu elements",
            (unsigned long long)count);
        return;
    }
    struct lw_convert_args args = {x->address, y->address, count};
    struct lw_dispatch convert = {.kernel = kernels[x_type][y_type],
        .args = &args,
        .access_count = 2,
        .accesses = {{x->address, x_bytes, false}, {y->address, y_bytes, true}},
        .bytes = (double)(x_bytes + y_bytes)};
    dispatch(stream, &convert, x->address % 8 == 0 && y->address % 8 == 0, count);
}

void lw_weighted_add(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    float weight, bool first, const struct lw_buffer *sum, uint64_t count)
{
    static const enum lw_kernel_id kernels[LW_TYPE_COUNT] = {
        LW_KERNEL_WEIGHTED_ADD_F32, LW_KERNEL_WEIGHTED_ADD_BF16, LW_KERNEL_WEIGHTED_ADD_F16};
    uint64_t x_bytes = count * lw_type_size(x_type), sum_bytes = count * 4;
    if (x->size < x_bytes || sum->size < sum_bytes) {
        lw_stream_fail(stream, LW_FAILED, "weighted add: a buffer is smaller than %llu elements",
            (unsigned long long)count);
        return;
    }
    struct lw_weighted_add_args args = {x->address, sum->address, count, weight, first};
    struct lw_dispatch add = {.kernel = kernels[x_type],
        .args = &args,
        .access_count = 2,
        .accesses = {{x->address, x_bytes, false}, {sum->address, sum_bytes, true}},
        .flops = 2 * (double)count,
        .bytes = (double)x_bytes + (double)sum_bytes * (first ? 1 : 2)};
    dispatch(stream, &add, x->address % 8 == 0 && sum->address % 8 == 0, count);
}
