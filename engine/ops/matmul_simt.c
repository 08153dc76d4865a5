// SPDX-License-Identifier: Apache-2.0
// Matrix products on any GPU: shaders/matmul_simt.comp, multiply-adds of single elements.
#include "engine/ops/matmul_gpu.h"

// Largest first: the best reuse of what is loaded. The first takes more than few registers.
static const struct lw_matmul_tile tiles[] = {
    {128, 128, 16, 8, 8}, {64, 64, 16, 4, 4}, {32, 32, 16, 4, 4}};
// For CPU drivers before Mesa 26: the most work for each load and the least code.
static const struct lw_matmul_tile cpu_tile = {64, 64, 8, 8, 8};

uint32_t lw_matmul_simt_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS])
{
    (void)variant;
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    const struct lw_caps *caps = lw_device_caps(device);
    uint32_t first = lw_matmul_registers(caps) < 256 ? 1 : 0, count = sizeof tiles / sizeof *tiles;
    bool cpu = (caps->features & LW_FEATURE_CPU) != 0;
    return cpu ? lw_matmul_make_plans(&shape, &cpu_tile, 1, plans)
               : lw_matmul_make_plans(&shape, tiles + first, count - first, plans);
}

uint64_t lw_matmul_simt_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan)
{
    (void)device;
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    return lw_matmul_parts_size(plan, &shape);
}

void lw_matmul_simt(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    (void)variant;
    const struct lw_matmul_tile *tile = &plan->tile;
    bool sliced = plan->slices > 1; // the slices' sums are fp32
    struct lw_matmul_kernel kernel = {
        .kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_SIMT_F32,
            sliced ? LW_KERNEL_MATMUL_SIMT_BF16_F32 : LW_KERNEL_MATMUL_SIMT_BF16,
            LW_KERNEL_MATMUL_SIMT_BF16_F32),
        .piece = 4,
        .threads = tile->m / tile->part_m * (tile->n / tile->part_n),
        .parts = matmul->scratch.address};
    lw_matmul_record_gpu(stream, matmul, plan, &kernel);
}
