// SPDX-License-Identifier: Apache-2.0
// See mlp.h.
#include "engine/ops/mlp.h"

#include "engine/ops/record.h"
#include "shaders/swiglu.h"
#include "shaders/swiglu_backward.h"

static bool halves_fit(const struct lw_tensor *whole, const struct lw_tensor *half)
{
    return whole->rows == half->rows && whole->columns == 2 * half->columns &&
           whole->type == half->type;
}

// Whether both halves of the rows may go in fours.
static bool halves_in_fours(const struct lw_tensor *whole)
{
    struct lw_tensor second =
        lw_tensor_part(whole, 0, whole->rows, whole->columns / 2, whole->columns / 2);
    return lw_tensor_in_fours(whole) && lw_tensor_in_fours(&second);
}

void lw_swiglu(struct lw_stream *stream, const struct lw_tensor *gate_up, const struct lw_tensor *y)
{
    if (!halves_fit(gate_up, y)) {
        lw_stream_fail(stream, LW_FAILED, "swiglu: shapes or types do not fit");
        return;
    }
    struct lw_swiglu_args args = {.gate_up = gate_up->address,
        .y = y->address,
        .rows = y->rows,
        .columns = y->columns,
        .gate_up_stride = gate_up->stride,
        .y_stride = y->stride};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(SWIGLU, y->type),
        .args = &args,
        .access_count = 2,
        .accesses = {lw_tensor_read(gate_up), lw_tensor_write(y)},
        .flops = 5.0 * y->rows * y->columns, // exp counted as one
        .bytes = (double)lw_tensor_span(gate_up) + (double)lw_tensor_span(y)};
    lw_set_tiles(stream, &dispatch, y, halves_in_fours(gate_up) && lw_tensor_in_fours(y));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_swiglu_backward(struct lw_stream *stream, const struct lw_tensor *gate_up,
    const struct lw_tensor *y_gradient, const struct lw_tensor *gate_up_gradient)
{
    if (!halves_fit(gate_up, y_gradient) || !lw_same_shape(gate_up, gate_up_gradient)) {
        lw_stream_fail(stream, LW_FAILED, "swiglu_backward: shapes or types do not fit");
        return;
    }
    struct lw_swiglu_backward_args args = {.gate_up = gate_up->address,
        .y_gradient = y_gradient->address,
        .gate_up_gradient = gate_up_gradient->address,
        .rows = y_gradient->rows,
        .columns = y_gradient->columns,
        .gate_up_stride = gate_up->stride,
        .y_gradient_stride = y_gradient->stride,
        .gate_up_gradient_stride = gate_up_gradient->stride};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(SWIGLU_BACKWARD, gate_up->type),
        .args = &args,
        .access_count = 3,
        .accesses = {lw_tensor_read(gate_up), lw_tensor_read(y_gradient),
            lw_tensor_write(gate_up_gradient)},
        .flops = 10.0 * y_gradient->rows * y_gradient->columns,
        .bytes = 2 * (double)lw_tensor_span(gate_up) + (double)lw_tensor_span(y_gradient)};
    lw_set_tiles(stream, &dispatch, y_gradient,
        halves_in_fours(gate_up) && halves_in_fours(gate_up_gradient) &&
            lw_tensor_in_fours(y_gradient));
    lw_stream_dispatch(stream, &dispatch);
}
