// SPDX-License-Identifier: Apache-2.0
// See norm.h. The sums over rows go in two steps: slices of LW_SLICE_ROWS rows into scratch, then
// the slices. The scratch also holds one number a row for the gradient.
#include "engine/ops/norm.h"

#include "engine/ops/record.h"
#include "shaders/rms_norm.h"
#include "shaders/rms_norm_backward.h"
#include "shaders/sum_rows.h"

static uint32_t slice_count(uint32_t rows)
{
    return (uint32_t)lw_divide_up(rows, LW_SLICE_ROWS);
}

uint64_t lw_rms_norm_scratch(uint32_t rows, uint32_t columns)
{
    return ((uint64_t)slice_count(rows) * columns + rows) * sizeof(float);
}

void lw_rms_norm(struct lw_stream *stream, const struct lw_rms_norm *norm)
{
    const struct lw_tensor *x = &norm->x, *y = &norm->y;
    if (!lw_same_shape(x, y) || norm->weight.columns != x->columns ||
        norm->weight.type != x->type || norm->inverse.columns != x->rows) {
        lw_stream_fail(stream, LW_FAILED, "rms_norm: shapes or types do not fit");
        return;
    }
    struct lw_rms_norm_args args = {.x = x->address,
        .weight = norm->weight.address,
        .y = y->address,
        .inverse = norm->inverse.address,
        .rows = x->rows,
        .columns = x->columns,
        .x_stride = x->stride,
        .y_stride = y->stride,
        .epsilon = norm->epsilon};
    bool fours =
        lw_tensor_in_fours(x) && lw_tensor_in_fours(y) && lw_tensor_in_fours(&norm->weight);
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(RMS_NORM, x->type),
        .args = &args,
        .access_count = 4,
        .accesses = {lw_tensor_read(x), lw_tensor_read(&norm->weight), lw_tensor_write(y),
            lw_tensor_write(&norm->inverse)},
        .flops = 4.0 * x->rows * x->columns,
        .bytes = (double)lw_tensor_span(x) + (double)lw_tensor_span(y)};
    lw_set_row_constants(stream, &dispatch, x->columns, fours);
    lw_dispatch_linear(&dispatch, x->rows);
    lw_stream_dispatch(stream, &dispatch);
}

// Records sums[slice] (+)= the sums of each `slice_rows` rows of x.
static void sum_slices(struct lw_stream *stream, const struct lw_tensor *x,
    const struct lw_tensor *sums, uint32_t slice_rows, bool add)
{
    struct lw_sum_rows_args args = {.x = x->address,
        .sums = sums->address,
        .rows = x->rows,
        .columns = x->columns,
        .stride = x->stride,
        .slice_rows = slice_rows,
        .add = add};
    uint32_t group = lw_on_cpu(stream) ? 16 : 64;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(SUM_ROWS, x->type),
        .args = &args,
        .constant_count = 2,
        .constants = {group,
            lw_fours(lw_tensor_in_fours(x) && lw_tensor_in_fours(sums), x->columns)},
        .access_count = 2,
        .accesses = {lw_tensor_read(x), lw_tensor_write(sums)},
        .flops = (double)x->rows * x->columns,
        .bytes = (double)lw_tensor_span(x)};
    lw_dispatch_linear(&dispatch, lw_divide_up(x->columns, (uint64_t)group * 4) * sums->rows);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_rms_norm_backward(struct lw_stream *stream, const struct lw_rms_norm_backward *norm)
{
    const struct lw_tensor *x = &norm->x, *dy = &norm->y_gradient, *dx = &norm->x_gradient;
    const struct lw_tensor *add = &norm->add, *weight = &norm->weight;
    uint32_t slices = slice_count(x->rows);
    if (!lw_same_shape(x, dy) || !lw_same_shape(x, dx) ||
        (add->address && !lw_same_shape(x, add)) || weight->columns != x->columns ||
        weight->type != x->type || norm->weight_gradient.type != LW_F32 ||
        norm->weight_gradient.columns != x->columns || norm->inverse.columns != x->rows ||
        norm->scratch.size < lw_rms_norm_scratch(x->rows, x->columns)) {
        lw_stream_fail(stream, LW_FAILED, "rms_norm_backward: shapes or types do not fit");
        return;
    }
    struct lw_tensor partial = lw_tensor_of(&norm->scratch, LW_F32, slices, x->columns);
    struct lw_rms_norm_backward_args args = {.x = x->address,
        .weight = weight->address,
        .inverse = norm->inverse.address,
        .y_gradient = dy->address,
        .add = add->address,
        .x_gradient = dx->address,
        .partial = partial.address,
        .correction = partial.address + lw_tensor_span(&partial),
        .rows = x->rows,
        .columns = x->columns,
        .x_stride = x->stride,
        .y_gradient_stride = dy->stride,
        .add_stride = add->stride,
        .x_gradient_stride = dx->stride};
    bool fours = lw_tensor_in_fours(x) && lw_tensor_in_fours(dy) && lw_tensor_in_fours(dx) &&
                 lw_tensor_in_fours(add) && lw_tensor_in_fours(weight) &&
                 lw_tensor_in_fours(&partial);
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(RMS_NORM_BACKWARD, x->type),
        .args = &args,
        .access_count = 7,
        .accesses = {lw_tensor_read(x), lw_tensor_read(weight), lw_tensor_read(&norm->inverse),
            lw_tensor_read(dy), lw_tensor_read(add), lw_tensor_write(dx),
            {norm->scratch.address, norm->scratch.size, true}},
        .flops = 10.0 * x->rows * x->columns,
        .bytes = (double)lw_tensor_span(x) + (double)lw_tensor_span(dy) +
                 (double)lw_tensor_span(dx) + (double)lw_tensor_span(add)};
    lw_set_row_constants(stream, &dispatch, x->columns, fours);
    lw_dispatch_linear(&dispatch, slices);
    lw_stream_dispatch(stream, &dispatch);
    sum_slices(stream, &partial, &norm->weight_gradient, slices, true);
}

void lw_sum_rows(struct lw_stream *stream, const struct lw_tensor *x, const struct lw_tensor *sums,
    const struct lw_buffer *scratch)
{
    uint32_t slices = slice_count(x->rows);
    if (sums->columns != x->columns || sums->rows != 1 || sums->type != LW_F32 ||
        scratch->size < lw_rms_norm_scratch(x->rows, x->columns)) {
        lw_stream_fail(stream, LW_FAILED, "sum_rows: shapes or types do not fit");
        return;
    }
    struct lw_tensor partial = lw_tensor_of(scratch, LW_F32, slices, x->columns);
    sum_slices(stream, x, &partial, LW_SLICE_ROWS, false);
    sum_slices(stream, &partial, sums, slices, true);
}
