// SPDX-License-Identifier: Apache-2.0
// The GPU variants of the matrix product: tiles, slices of the inner dimension, one dispatch for
// the product and one that adds up the slices. See matmul_gpu.h.
#include "engine/ops/matmul_gpu.h"

#include "engine/ops/record.h"
#include "shaders/matmul_gpu.h"
#include "shaders/matmul_sum.h"

#define ENOUGH_GROUPS 96u // workgroups that keep a device of usual size busy
#define MOST_SLICES 8u
#define LEAST_DEPTH 512u                // of a slice
#define MOST_PARTS ((uint64_t)64 << 20) // bytes of the slices' sums

static uint64_t group_count(
    const struct lw_matmul_shape *shape, const struct lw_matmul_tile *tile, uint32_t slices)
{
    return lw_divide_up(shape->m, tile->m) * lw_divide_up(shape->n, tile->n) * slices;
}

static struct lw_matmul_plan make_plan(
    const struct lw_matmul_shape *shape, const struct lw_matmul_tile *tile, uint32_t slices)
{
    struct lw_matmul_plan plan = {.tile = *tile};
    plan.depth = (uint32_t)lw_divide_up(lw_divide_up(shape->k, slices), tile->k) * tile->k;
    plan.slices = (uint32_t)lw_divide_up(shape->k, plan.depth); // rounding up may leave fewer
    plan.part_stride = plan.slices > 1 ? (uint32_t)lw_divide_up(shape->n, 4) * 4 : 0;
    return plan;
}

static bool may_slice(const struct lw_matmul_shape *shape, uint32_t slices)
{
    return slices <= MOST_SLICES && shape->k / slices >= LEAST_DEPTH &&
           (uint64_t)slices * shape->m * (shape->n + 3) * sizeof(float) <= MOST_PARTS;
}

static struct lw_matmul_plan first_plan(
    const struct lw_matmul_shape *shape, const struct lw_matmul_tile *tiles, uint32_t tile_count)
{
    const struct lw_matmul_tile *tile = tiles, *last = tiles + tile_count - 1;
    while (tile < last && group_count(shape, tile, 1) < ENOUGH_GROUPS) {
        tile++;
    }
    uint32_t slices = 1;
    while (group_count(shape, tile, slices) < ENOUGH_GROUPS && may_slice(shape, slices * 2)) {
        slices *= 2;
    }
    return make_plan(shape, tile, slices);
}

uint32_t lw_matmul_make_plans(const struct lw_matmul_shape *shape,
    const struct lw_matmul_tile *tiles, uint32_t tile_count,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS])
{
    uint32_t count = 0;
    plans[count++] = first_plan(shape, tiles, tile_count);
    for (uint32_t i = 0; i < tile_count; i++) {
        for (uint32_t slices = 1; slices == 1 || may_slice(shape, slices); slices *= 2) {
            struct lw_matmul_plan plan = make_plan(shape, &tiles[i], slices);
            if (count < LW_MATMUL_PLANS && plan.slices == slices) {
                plans[count++] = plan;
            }
        }
    }
    return count;
}

uint64_t lw_matmul_parts_size(
    const struct lw_matmul_plan *plan, const struct lw_matmul_shape *shape)
{
    return (uint64_t)plan->slices * shape->m * plan->part_stride * sizeof(float);
}

bool lw_matmul_in_pieces(const struct lw_tensor *tensor, uint32_t elements)
{
    return tensor->columns % elements == 0 &&
           lw_matmul_aligned(tensor, elements * (uint32_t)lw_type_size(tensor->type));
}

static uint32_t operand_flags(
    const struct lw_matmul *matmul, const struct lw_matmul_shape *shape, uint32_t piece)
{
    return (shape->a_transposed ? LW_MATMUL_A_TRANSPOSED : 0) |
           (shape->b_transposed ? LW_MATMUL_B_TRANSPOSED : 0) |
           (lw_matmul_in_pieces(&matmul->a, piece) ? LW_MATMUL_A_VECTOR : 0) |
           (lw_matmul_in_pieces(&matmul->b, piece) ? LW_MATMUL_B_VECTOR : 0);
}

static uint32_t store_flags(const struct lw_matmul *matmul)
{
    bool vector = lw_matmul_in_pieces(&matmul->c, 4) &&
                  (!matmul->add.address || lw_matmul_in_pieces(&matmul->add, 4));
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
        .subgroup_size = plan->subgroup,
        .constant_count = kernel->matrix[0] ? 11 : 7,
        .constants = {kernel->threads, tile->m, tile->n, tile->k, tile->part_m, tile->part_n, flags,
            kernel->matrix[0], kernel->matrix[1], kernel->matrix[2], plan->subgroup},
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
