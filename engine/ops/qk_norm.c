// SPDX-License-Identifier: Apache-2.0
// See qk_norm.h. A team of invocations takes a part of the heads of one token or, backward, of a
// slice of tokens; the weights' gradients are sums over the rows of scratch that the teams leave.
#include "engine/ops/qk_norm.h"

#include "engine/ops/norm.h"
#include "engine/ops/record.h"
#include "shaders/qk_norm.h"
#include "shaders/qk_norm_backward.h"

// How the work is dealt to teams.
struct grid {
    uint32_t heads_each, tokens_each;
    uint32_t slices;                 // of tokens
    uint32_t query_parts, key_parts; // of heads
};

static struct grid make_grid(bool on_cpu, const struct lw_qk_norm *norm, bool backward)
{
    struct grid grid = {.heads_each = on_cpu     ? norm->heads
                                      : backward ? 8
                                                 : 4,
        .tokens_each = !backward ? 1
                       : on_cpu  ? 16
                                 : 4};
    grid.slices = (uint32_t)lw_divide_up(norm->x.rows, grid.tokens_each);
    grid.query_parts = (uint32_t)lw_divide_up(norm->heads, grid.heads_each);
    grid.key_parts = (uint32_t)lw_divide_up(norm->kv_heads, grid.heads_each);
    return grid;
}

static uint32_t partial_rows(const struct grid *grid)
{
    return grid->slices * (grid->query_parts + grid->key_parts);
}

uint64_t lw_qk_norm_scratch(const struct lw_device *device, const struct lw_qk_norm *forward)
{
    bool on_cpu = lw_device_caps(device)->features & LW_FEATURE_CPU;
    struct grid grid = make_grid(on_cpu, forward, true);
    uint64_t partial = (uint64_t)partial_rows(&grid) * forward->head_dim * sizeof(float);
    return partial + lw_rms_norm_scratch(grid.slices * grid.query_parts, forward->head_dim);
}

static bool check(struct lw_stream *stream, const struct lw_qk_norm *norm)
{
    const struct lw_tensor *x = &norm->x;
    uint64_t columns = ((uint64_t)norm->heads + norm->kv_heads) * norm->head_dim;
    bool fits = norm->head_dim % 2 == 0 && norm->head_dim <= 1024 && columns == x->columns &&
                norm->kv_heads <= norm->heads && norm->q_weight.columns == norm->head_dim &&
                norm->k_weight.columns == norm->head_dim && norm->q_weight.type == x->type &&
                norm->k_weight.type == x->type && norm->positions.size >= (uint64_t)x->rows * 4 &&
                norm->inverse_frequency.size >= (uint64_t)norm->head_dim / 2 * 4;
    if (!fits) {
        lw_stream_fail(stream, LW_FAILED,
            "qk_norm: shapes or types do not fit %u and %u heads of %u in rows of %u columns",
            norm->heads, norm->kv_heads, norm->head_dim, x->columns);
    }
    return fits;
}

// The constants of heads.glsl and the grid. `aligned`: all tensors' rows are.
static void set_teams(const struct lw_stream *stream, struct lw_dispatch *dispatch,
    const struct lw_qk_norm *norm, const struct grid *grid, bool aligned)
{
    uint32_t half = norm->head_dim / 2, fours = (uint32_t)lw_divide_up(half, 4);
    bool on_cpu = lw_on_cpu(stream);
    uint32_t lanes = on_cpu ? lw_device_caps(lw_stream_device(stream))->subgroup_size : fours;
    uint32_t teams = on_cpu ? 1 : 256 / lanes;
    // Each half of each head must begin at a multiple of 8 bytes.
    struct lw_tensor halves = norm->x;
    halves.stride = half;
    aligned = aligned && lw_tensor_in_fours(&halves) && norm->inverse_frequency.address % 8 == 0 &&
              lw_tensor_in_fours(&norm->q_weight) && lw_tensor_in_fours(&norm->k_weight);
    dispatch->constant_count = 5;
    dispatch->constants[0] = lanes * teams;
    dispatch->constants[1] = lw_fours(aligned, half);
    dispatch->constants[2] = on_cpu;
    dispatch->constants[3] = lanes;
    dispatch->constants[4] = half;
    lw_dispatch_linear(dispatch, lw_divide_up(partial_rows(grid), teams));
}

void lw_qk_norm(struct lw_stream *stream, const struct lw_qk_norm *norm)
{
    const struct lw_tensor *x = &norm->x, *y = &norm->y;
    if (!check(stream, norm)) {
        return;
    }
    if (!lw_same_shape(x, y)) {
        lw_stream_fail(stream, LW_FAILED, "qk_norm: x and y differ in shape or type");
        return;
    }
    struct grid grid = make_grid(lw_on_cpu(stream), norm, false);
    struct lw_qk_norm_args args = {.x = x->address,
        .y = y->address,
        .q_weight = norm->q_weight.address,
        .k_weight = norm->k_weight.address,
        .positions = norm->positions.address,
        .frequency = norm->inverse_frequency.address,
        .tokens = x->rows,
        .heads = norm->heads,
        .kv_heads = norm->kv_heads,
        .heads_each = grid.heads_each,
        .x_stride = x->stride,
        .y_stride = y->stride,
        .epsilon = norm->epsilon,
        .scale = norm->scale};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(QK_NORM, x->type),
        .args = &args,
        .access_count = 6,
        .accesses = {lw_tensor_read(x), lw_tensor_write(y), lw_tensor_read(&norm->q_weight),
            lw_tensor_read(&norm->k_weight),
            {norm->positions.address, (uint64_t)x->rows * 4, false},
            {norm->inverse_frequency.address, (uint64_t)norm->head_dim / 2 * 4, false}},
        .flops = 7.0 * x->rows * x->columns,
        .bytes = 2.0 * x->rows * x->columns * (double)lw_type_size(x->type)};
    set_teams(stream, &dispatch, norm, &grid, lw_tensor_in_fours(x) && lw_tensor_in_fours(y));
    lw_stream_dispatch(stream, &dispatch);
}

// Adds the partial rows of both kinds of heads to their weights' gradients.
static void sum_partial(struct lw_stream *stream, const struct lw_qk_norm_backward *norm,
    const struct lw_tensor *partial, const struct grid *grid)
{
    uint32_t query_rows = grid->slices * grid->query_parts;
    uint64_t used = lw_tensor_span(partial);
    struct lw_buffer rest = norm->scratch;
    rest.address += used;
    rest.size -= used;
    struct lw_tensor queries = lw_tensor_part(partial, 0, query_rows, 0, partial->columns);
    struct lw_tensor keys =
        lw_tensor_part(partial, query_rows, partial->rows - query_rows, 0, partial->columns);
    lw_sum_rows(stream, &queries, &norm->q_weight_gradient, &rest);
    lw_sum_rows(stream, &keys, &norm->k_weight_gradient, &rest);
}

void lw_qk_norm_backward(struct lw_stream *stream, const struct lw_qk_norm_backward *norm)
{
    const struct lw_qk_norm *forward = &norm->forward;
    const struct lw_tensor *x = &forward->x, *dy = &norm->y_gradient, *dx = &norm->x_gradient;
    if (!check(stream, forward)) {
        return;
    }
    if (!lw_same_shape(x, dy) || !lw_same_shape(x, dx) ||
        norm->scratch.size < lw_qk_norm_scratch(lw_stream_device(stream), forward)) {
        lw_stream_fail(stream, LW_FAILED, "qk_norm_backward: shapes or types do not fit");
        return;
    }
    struct grid grid = make_grid(lw_on_cpu(stream), forward, true);
    struct lw_tensor partial =
        lw_tensor_of(&norm->scratch, LW_F32, partial_rows(&grid), forward->head_dim);
    struct lw_qk_norm_backward_args args = {.x = x->address,
        .y_gradient = dy->address,
        .x_gradient = dx->address,
        .q_weight = forward->q_weight.address,
        .k_weight = forward->k_weight.address,
        .positions = forward->positions.address,
        .frequency = forward->inverse_frequency.address,
        .partial = partial.address,
        .tokens = x->rows,
        .heads = forward->heads,
        .kv_heads = forward->kv_heads,
        .heads_each = grid.heads_each,
        .tokens_each = grid.tokens_each,
        .x_stride = x->stride,
        .y_gradient_stride = dy->stride,
        .x_gradient_stride = dx->stride,
        .epsilon = forward->epsilon,
        .scale = forward->scale};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(QK_NORM_BACKWARD, x->type),
        .args = &args,
        .access_count = 8,
        .accesses = {lw_tensor_read(x), lw_tensor_read(dy), lw_tensor_write(dx),
            lw_tensor_read(&forward->q_weight), lw_tensor_read(&forward->k_weight),
            {forward->positions.address, (uint64_t)x->rows * 4, false},
            {forward->inverse_frequency.address, (uint64_t)forward->head_dim / 2 * 4, false},
            lw_tensor_write(&partial)},
        .flops = 17.0 * x->rows * x->columns,
        .bytes = 3.0 * x->rows * x->columns * (double)lw_type_size(x->type)};
    bool aligned = lw_tensor_in_fours(x) && lw_tensor_in_fours(dy) && lw_tensor_in_fours(dx) &&
                   lw_tensor_in_fours(&partial);
    set_teams(stream, &dispatch, forward, &grid, aligned);
    lw_stream_dispatch(stream, &dispatch);
    sum_partial(stream, norm, &partial, &grid);
}
