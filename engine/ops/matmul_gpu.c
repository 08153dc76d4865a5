// SPDX-License-Identifier: Apache-2.0
// The GPU variants of the matrix product: tiles, slices of the inner dimension, one dispatch for
// the product and one that adds up the slices. See matmul_gpu.h.
#include "engine/ops/matmul_gpu.h"

#include "engine/ops/record.h"
#include "shaders/matmul_gpu.h"
#include "shaders/matmul_sum.h"

#define ENOUGH_GROUPS 96u // workgroups that keep a device of usual size busy
#define MOST_SLICES 8u
#define LEAST_DEPTH 512u // of a slice

static uint64_t tile_count(const struct lw_matmul_shape *shape, const struct lw_matmul_tile *tile)
{
    return lw_divide_up(shape->m, tile->m) * lw_divide_up(shape->n, tile->n);
}

struct lw_matmul_plan lw_matmul_make_plan(const struct lw_matmul_shape *shape,
    const struct lw_matmul_tile *tiles, uint32_t count)
{
    struct lw_matmul_plan plan = {.tile = tiles[0], .slices = 1};
    for (uint32_t i = 1; i < count && tile_count(shape, &plan.tile) < ENOUGH_GROUPS; i++) {
        plan.tile = tiles[i];
    }
    while (plan.slices < MOST_SLICES && tile_count(shape, &plan.tile) * plan.slices < ENOUGH_GROUPS &&
           shape->k / (plan.slices * 2) >= LEAST_DEPTH) {
        plan.slices *= 2;
    }
    plan.depth = (uint32_t)lw_divide_up(lw_divide_up(shape->k, plan.slices), plan.tile.k) *
                 plan.tile.k;
    plan.slices = (uint32_t)lw_divide_up(shape->k, plan.depth); // rounding up may leave fewer
    plan.part_stride = plan.slices > 1 ? (uint32_t)lw_divide_up(shape->n, 4) * 4 : 0;
    return plan;
}

uint64_t lw_matmul_parts_size(
    const struct lw_matmul_plan *plan, const struct lw_matmul_shape *shape)
{
    return (uint64_t)plan->slices * shape->m * plan->part_stride * sizeof(float);
}

// Whether the tensor moves in pieces of `elements` whole and aligned ones.
static bool in_pieces(const struct lw_tensor *tensor, uint32_t elements)
{
    return tensor->columns % elements == 0 &&
           lw_matmul_aligned(tensor, elements * (uint32_t)lw_type_size(tensor->type));
}

static uint32_t operand_flags(
    const struct lw_matmul *matmul, const struct lw_matmul_shape *shape, uint32_t piece)
{
    return (shape->a_transposed ? LW_MATMUL_A_TRANSPOSED : 0) |
           (shape->b_transposed ? LW_MATMUL_B_TRANSPOSED : 0) |
           (in_pieces(&matmul->a, piece) ? LW_MATMUL_A_VECTOR : 0) |
           (in_pieces(&matmul->b, piece) ? LW_MATMUL_B_VECTOR : 0);
}

static uint32_t store_flags(const struct lw_matmul *matmul)
{
    bool vector = in_pieces(&matmul->c, 4) && (!matmul->add.address || in_pieces(&matmul->add, 4));
    return (vector ? LW_MATMUL_C_VECTOR : 0) | (matmul->bias.address ? LW_MATMUL_BIAS : 0) |
           (matmul->add.address ? LW_MATMUL_ADD : 0);
}

// Adds up the slices' sums, [slices, m, part_stride] fp32 at `parts`, and finishes c.
static void sum_slices(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan, const struct lw_matmul_shape *shape, uint64_t parts)
{
    const uint32_t group = 256;
    struct lw_matmul_sum_args args = {.parts = parts,
        .c = matmul->c.address,
        .bias = matmul->bias.address,
        .add = matmul->add.address,
        .m = shape->m,
        .n = shape->n,
        .slices = plan->slices,
        .part_stride = plan->part_stride,
        .c_stride = matmul->c.stride,
        .add_stride = matmul->add.stride};
    struct lw_dispatch dispatch = {.kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_SUM_F32,
                                       LW_KERNEL_MATMUL_SUM_BF16, LW_KERNEL_MATMUL_SUM_BF16_F32),
        .args = &args,
        .constant_count = 2,
        .constants = {group, store_flags(matmul)},
        .access_count = 4,
        .accesses = {{parts, lw_matmul_parts_size(plan, shape), false},
            lw_tensor_read(&matmul->bias), lw_tensor_read(&matmul->add),
            lw_tensor_write(&matmul->c)},
        .bytes = (double)lw_matmul_parts_size(plan, shape) + (double)lw_tensor_span(&matmul->c)};
    lw_dispatch_linear(
        &dispatch, lw_divide_up((uint64_t)shape->m * lw_divide_up(shape->n, 4), group));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_matmul_record_gpu(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan, const struct lw_matmul_kernel *kernel)
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    const struct lw_matmul_tile *tile = &plan->tile;
    bool whole = plan->slices == 1;
    struct lw_access parts = {kernel->parts, lw_matmul_parts_size(plan, &shape), true};
    struct lw_matmul_gpu_args args = {.a = matmul->a.address,
        .b = matmul->b.address,
        .c = whole ? matmul->c.address : kernel->parts,
        .bias = matmul->bias.address,
        .add = matmul->add.address,
        .scales = kernel->scales,
        .m = shape.m,
        .n = shape.n,
        .k = shape.k,
        .a_stride = matmul->a.stride,
        .b_stride = matmul->b.stride,
        .c_stride = whole ? matmul->c.stride : plan->part_stride,
        .add_stride = matmul->add.stride,
        .tiles_m = (uint32_t)lw_divide_up(shape.m, tile->m),
        .tiles_n = (uint32_t)lw_divide_up(shape.n, tile->n),
        .depth = plan->depth};
    uint32_t flags = operand_flags(matmul, &shape, kernel->piece) |
                     (whole ? store_flags(matmul) : LW_MATMUL_C_VECTOR);
    struct lw_dispatch dispatch = {.kernel = kernel->kernel,
        .args = &args,
        .subgroup_size = kernel->subgroup_size,
        .constant_count = kernel->matrix[0] ? 11 : 7,
        .constants = {kernel->threads, tile->m, tile->n, tile->k, tile->part_m, tile->part_n, flags,
            kernel->matrix[0], kernel->matrix[1], kernel->matrix[2], kernel->subgroup_size},
        .access_count = 6,
        .accesses = {lw_tensor_read(&matmul->a), lw_tensor_read(&matmul->b),
            {kernel->scales, kernel->scales ? 2 * sizeof(uint32_t) : 0, false},
            whole ? lw_tensor_read(&matmul->bias) : (struct lw_access){0},
            whole ? lw_tensor_read(&matmul->add) : (struct lw_access){0},
            whole ? lw_tensor_write(&matmul->c) : parts},
        .flops = 2.0 * shape.m * shape.n * shape.k,
        .bytes = (double)lw_tensor_span(&matmul->a) + (double)lw_tensor_span(&matmul->b) +
                 (double)(whole ? lw_tensor_span(&matmul->c) : parts.size)};
    lw_dispatch_linear(&dispatch, (uint64_t)args.tiles_m * args.tiles_n * plan->slices);
    lw_stream_dispatch(stream, &dispatch);
    if (!whole) {
        sum_slices(stream, matmul, plan, &shape, kernel->parts);
    }
}
