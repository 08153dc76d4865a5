// SPDX-License-Identifier: Apache-2.0
// Matrix products on any GPU: one dispatch of shaders/matmul_simt.comp, its tile picked by how many
// workgroups the product gives the device.
#include "engine/ops/matmul_private.h"
#include "shaders/matmul_simt.h"

#define ENOUGH_GROUPS 96u // workgroups that keep a device of usual size busy

struct tile {
    uint32_t m, n, k;       // of one workgroup
    uint32_t rows, columns; // of c, by one invocation
};

// Largest first: the best reuse of what is loaded.
static const struct tile tiles[] = {{128, 128, 16, 8, 8}, {64, 64, 16, 4, 4}, {32, 32, 16, 4, 4}};
// For CPU drivers before Mesa 26: the most work for each load and the least code.
static const struct tile cpu_tile = {64, 64, 8, 8, 8};

static uint32_t divide_up(uint32_t value, uint32_t unit)
{
    return value / unit + (value % unit != 0);
}

static const struct tile *pick_tile(
    const struct lw_device *device, const struct lw_matmul_shape *shape)
{
    if (lw_device_caps(device)->features & LW_FEATURE_CPU) {
        return &cpu_tile;
    }
    const struct tile *tile = tiles, *last = tiles + sizeof tiles / sizeof *tiles - 1;
    while (tile < last &&
           (uint64_t)divide_up(shape->m, tile->m) * divide_up(shape->n, tile->n) < ENOUGH_GROUPS) {
        tile++;
    }
    return tile;
}

// fp32 moves in quads of 16 bytes, bf16 of 8.
static bool in_quads(const struct lw_tensor *tensor)
{
    return tensor->columns % 4 == 0 &&
           lw_matmul_aligned(tensor, 4 * (uint32_t)lw_type_size(tensor->type));
}

static uint32_t make_flags(const struct lw_matmul *matmul, const struct lw_matmul_shape *shape)
{
    uint32_t flags = 0;
    flags |= shape->a_transposed ? LW_MATMUL_A_TRANSPOSED : 0;
    flags |= shape->b_transposed ? LW_MATMUL_B_TRANSPOSED : 0;
    flags |= in_quads(&matmul->a) ? LW_MATMUL_A_VECTOR : 0;
    flags |= in_quads(&matmul->b) ? LW_MATMUL_B_VECTOR : 0;
    flags |= matmul->bias.address ? LW_MATMUL_BIAS : 0;
    flags |= matmul->add.address ? LW_MATMUL_ADD : 0;
    if (in_quads(&matmul->c) && (!matmul->add.address || in_quads(&matmul->add))) {
        flags |= LW_MATMUL_C_VECTOR;
    }
    return flags;
}

void lw_matmul_simt(struct lw_stream *stream, const struct lw_matmul *matmul)
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    const struct tile *tile = pick_tile(lw_stream_device(stream), &shape);
    struct lw_matmul_simt_args args = {.a = matmul->a.address,
        .b = matmul->b.address,
        .c = matmul->c.address,
        .bias = matmul->bias.address,
        .add = matmul->add.address,
        .m = shape.m,
        .n = shape.n,
        .k = shape.k,
        .a_stride = matmul->a.stride,
        .b_stride = matmul->b.stride,
        .c_stride = matmul->c.stride,
        .add_stride = matmul->add.stride,
        .tiles_m = divide_up(shape.m, tile->m),
        .tiles_n = divide_up(shape.n, tile->n)};
    uint32_t threads = tile->m / tile->rows * (tile->n / tile->columns);
    struct lw_dispatch dispatch = {.kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_SIMT_F32,
                                       LW_KERNEL_MATMUL_SIMT_BF16, LW_KERNEL_MATMUL_SIMT_BF16_F32),
        .args = &args,
        .constant_count = 7,
        .constants = {threads, tile->m, tile->n, tile->k, tile->rows, tile->columns,
            make_flags(matmul, &shape)},
        .access_count = 5,
        .accesses = {lw_tensor_read(&matmul->a), lw_tensor_read(&matmul->b),
            lw_tensor_read(&matmul->bias), lw_tensor_read(&matmul->add),
            lw_tensor_write(&matmul->c)},
        .flops = 2.0 * shape.m * shape.n * shape.k,
        .bytes = (double)lw_tensor_span(&matmul->a) + (double)lw_tensor_span(&matmul->b) +
                 (double)lw_tensor_span(&matmul->c)};
    lw_dispatch_linear(&dispatch, (uint64_t)args.tiles_m * args.tiles_n);
    lw_stream_dispatch(stream, &dispatch);
}
