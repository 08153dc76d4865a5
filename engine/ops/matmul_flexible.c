// SPDX-License-Identifier: Apache-2.0
// Matrix products on matrices of VK_NV_cooperative_matrix2: shaders/matmul_flexible.comp. Tiles are one
// matrix, of a workgroup or of a subgroup; else as matmul_matrix.c.
#include "engine/ops/matmul_gpu.h"

#define MOST_TILES 8
#define PIECE 8u // elements of a line that is aligned for the widest loads
#define TEAM 32u // invocations that share a part of a workgroup's tile

// Largest first. Parts are as large as the registers of 32 invocations allow.
static const struct lw_matmul_tile workgroup_tiles[] = {{128, 256, 64, 64, 64},
    {256, 128, 64, 64, 64}, {128, 128, 64, 64, 32}, {128, 64, 64, 64, 32}, {64, 64, 64, 32, 32}};
static const struct lw_matmul_tile subgroup_tiles[] = {{32, 32, 16, 32, 32}};

static bool is_of_workgroup(const struct lw_matmul_variant *variant)
{
    return (variant->features & LW_FEATURE_WORKGROUP_MATRIX) != 0;
}

static uint32_t threads_of(const struct lw_matmul_variant *variant, const struct lw_caps *caps,
    const struct lw_matmul_tile *tile)
{
    return is_of_workgroup(variant) ? tile->m / tile->part_m * (tile->n / tile->part_n) * TEAM
                                    : caps->subgroup_size;
}

static bool tile_fits(const struct lw_matmul_variant *variant, const struct lw_caps *caps,
    const struct lw_matmul_tile *tile)
{
    enum lw_matrix_scope scope = !is_of_workgroup(variant)                ? LW_MATRIX_SUBGROUP
                                 : threads_of(variant, caps, tile) == 256 ? LW_MATRIX_WORKGROUP_256
                                                                          : LW_MATRIX_WORKGROUP_128;
    const struct lw_matrix_shape *unit = &caps->flexible_matrices[scope][variant->matrix];
    return unit->m && tile->m % unit->m == 0 && tile->n % unit->n == 0 && tile->k % unit->k == 0 &&
           tile->m <= caps->max_matrix_size && tile->n <= caps->max_matrix_size &&
           tile->k <= caps->max_matrix_size;
}

static uint32_t usable_tiles(const struct lw_matmul_variant *variant, const struct lw_caps *caps,
    struct lw_matmul_tile usable[MOST_TILES])
{
    bool workgroup = is_of_workgroup(variant);
    const struct lw_matmul_tile *tiles = workgroup ? workgroup_tiles : subgroup_tiles;
    size_t most =
        workgroup ? sizeof workgroup_tiles / sizeof *tiles : sizeof subgroup_tiles / sizeof *tiles;
    uint32_t count = 0;
    for (size_t i = 0; i < most; i++) {
        if (tile_fits(variant, caps, &tiles[i])) {
            usable[count++] = tiles[i];
        }
    }
    return count;
}

bool lw_matmul_flexible_runs(const struct lw_matmul_variant *variant, const struct lw_caps *caps)
{
    struct lw_matmul_tile usable[MOST_TILES];
    return lw_kernel_rows[variant->kernels[0]].spirv && usable_tiles(variant, caps, usable) > 0;
}

uint32_t lw_matmul_flexible_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS])
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    struct lw_matmul_tile usable[MOST_TILES];
    const struct lw_caps *caps = lw_device_caps(device);
    uint32_t count = usable_tiles(variant, caps, usable);
    count = lw_matmul_make_plans(&shape, usable, count, plans);
    for (uint32_t i = 0; i < count; i++) {
        plans[i].subgroup = is_of_workgroup(variant) ? 0 : caps->subgroup_size;
    }
    return count;
}

void lw_matmul_flexible(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    const struct lw_caps *caps = lw_device_caps(lw_stream_device(stream));
    struct lw_matmul_kernel kernel = {
        .piece = PIECE, .threads = threads_of(variant, caps, &plan->tile)};
    lw_matmul_record_matrix(variant, stream, matmul, plan, &kernel);
}
