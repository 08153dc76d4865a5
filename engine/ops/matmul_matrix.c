// SPDX-License-Identifier: Apache-2.0
// Matrix products on matrix cores: shaders/matmul_matrix.comp, bf16 operands multiplied as bf16
// where the device can, else as fp16 with a scale for each operand, which magnitude.c
// finds first. fp32 operands stay with multiply-adds, because matrix cores would round them.
#include "engine/ops/magnitude.h"
#include "engine/ops/matmul_gpu.h"

#define MOST_TILES 8
#define PIECE 8u // elements of one load of an operand

// Largest first. A subgroup's part is at least two matrices of 16 wide and high but in the last.
static const struct lw_matmul_tile tiles[] = {
    {128, 128, 32, 64, 64}, {128, 64, 32, 64, 32}, {64, 64, 32, 32, 32}, {32, 32, 32, 16, 32}};

// Subgroups of several sizes, some below 32 (Intel's), have a register file of one size, which is dealt
// out among their invocations: the smallest leave each the most. Elsewhere matrices are made for the
// largest.
static bool has_few_registers(const struct lw_caps *caps)
{
    return caps->min_subgroup_size < 32 && caps->min_subgroup_size < caps->max_subgroup_size;
}

uint32_t lw_matrix_subgroup(const struct lw_caps *caps)
{
    return has_few_registers(caps) ? caps->min_subgroup_size : caps->subgroup_size;
}

uint32_t lw_matmul_registers(const struct lw_caps *caps)
{
    return has_few_registers(caps) ? 128 : 256;
}

static uint32_t threads_of(const struct lw_matmul_tile *tile, uint32_t subgroup)
{
    return tile->m / tile->part_m * (tile->n / tile->part_n) * subgroup;
}

// Bytes of shared memory that the kernel declares: two of each tile, lines padded by 16 bytes, and a
// finished matrix for each subgroup.
static uint32_t shared_size(const struct lw_matmul_tile *tile, const struct lw_matrix_shape *matrix,
    bool a_transposed, bool b_transposed)
{
    uint32_t a = a_transposed ? tile->k * (tile->m + 8) : tile->m * (tile->k + 8);
    uint32_t b = b_transposed ? tile->k * (tile->n + 8) : tile->n * (tile->k + 8);
    uint32_t subgroups = tile->m / tile->part_m * (tile->n / tile->part_n);
    return 2 * (a + b) * 2 + subgroups * matrix->m * matrix->n * 4;
}

static bool tile_fits(const struct lw_caps *caps, const struct lw_matmul_shape *shape,
    const struct lw_matmul_tile *tile, const struct lw_matrix_shape *matrix, uint32_t subgroup)
{
    return tile->part_m % matrix->m == 0 && tile->part_n % matrix->n == 0 &&
           tile->k % matrix->k == 0 &&
           shared_size(tile, matrix, shape->a_transposed, shape->b_transposed) <=
               caps->shared_memory &&
           threads_of(tile, subgroup) <= caps->max_group_size;
}

static bool loads_by_elements(const struct lw_matmul *matmul)
{
    return !lw_matmul_in_pieces(&matmul->a, PIECE) || !lw_matmul_in_pieces(&matmul->b, PIECE);
}

// Loads by single elements leave no registers for a part of 64 by 64: NVK spills where that operand is
// transposed. The next smaller tile takes that one's place, so that plans keep their numbers. Where
// registers are few, the smallest tile does.
static void replace_spilling(const struct lw_caps *caps, const struct lw_matmul *matmul,
    struct lw_matmul_tile *usable, uint32_t count)
{
    for (uint32_t i = 0; loads_by_elements(matmul) && i + 1 < count; i++) {
        if (has_few_registers(caps)) {
            usable[i] = usable[count - 1];
        } else if (usable[i].part_m * usable[i].part_n >= 64 * 64) {
            usable[i] = usable[i + 1];
        }
    }
}

// The tile with parts for few registers, two by two matrices, one in a small tile: its invocations
// have more to load.
static struct lw_matmul_tile with_small_parts(
    struct lw_matmul_tile tile, const struct lw_matrix_shape *matrix)
{
    uint32_t across = tile.m < 64 ? 1 : 2;
    return (struct lw_matmul_tile){
        tile.m, tile.n, matrix->k, across * matrix->m, across * matrix->n};
}

// The tiles that the device can run for this shape.
static uint32_t usable_tiles(const struct lw_caps *caps, const struct lw_matmul_shape *shape,
    const struct lw_matrix_shape *matrix, uint32_t subgroup,
    struct lw_matmul_tile usable[MOST_TILES])
{
    uint32_t count = 0;
    for (size_t i = 0; matrix->m && i < sizeof tiles / sizeof *tiles; i++) {
        struct lw_matmul_tile tile =
            has_few_registers(caps) ? with_small_parts(tiles[i], matrix) : tiles[i];
        if (tile_fits(caps, shape, &tile, matrix, subgroup)) {
            usable[count++] = tile;
        }
    }
    return count;
}

bool lw_matmul_matrix_runs(const struct lw_matmul_variant *variant, const struct lw_caps *caps)
{
    struct lw_matmul_tile usable[MOST_TILES];
    struct lw_matmul_shape shape = {.m = 1, .n = 1, .k = 1};
    return lw_kernel_rows[variant->kernels[0]].spirv &&
           usable_tiles(caps, &shape, &caps->subgroup_matrices[variant->matrix],
               lw_matrix_subgroup(caps), usable) > 0;
}

bool lw_matmul_matrix_suits(const struct lw_matmul *matmul)
{
    return matmul->a.type == LW_BF16;
}

// The plans with subgroups of this size.
static uint32_t make_plans(const struct lw_matmul_variant *variant, const struct lw_caps *caps,
    const struct lw_matmul *matmul, uint32_t subgroup, struct lw_matmul_plan plans[LW_MATMUL_PLANS])
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    struct lw_matmul_tile usable[MOST_TILES];
    uint32_t count =
        usable_tiles(caps, &shape, &caps->subgroup_matrices[variant->matrix], subgroup, usable);
    replace_spilling(caps, matmul, usable, count);
    count = count ? lw_matmul_make_plans(&shape, usable, count, plans) : 0;
    for (uint32_t i = 0; i < count; i++) {
        plans[i].subgroup = subgroup;
    }
    return count;
}

// First those with the size of subgroups that matrices are made for. Others are for loads in pieces: by
// elements, RADV spills with its smaller size.
uint32_t lw_matmul_matrix_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS])
{
    const struct lw_caps *caps = lw_device_caps(device);
    uint32_t own = lw_matrix_subgroup(caps);
    uint32_t count = make_plans(variant, caps, matmul, own, plans);
    bool others = !loads_by_elements(matmul) && !has_few_registers(caps);
    for (uint32_t size = caps->min_subgroup_size; others && size <= caps->max_subgroup_size;
         size *= 2) {
        struct lw_matmul_plan more[LW_MATMUL_PLANS];
        uint32_t found = size == own ? 0 : make_plans(variant, caps, matmul, size, more);
        for (uint32_t i = 1; i < found && count < LW_MATMUL_PLANS; i++) { // the first comes again
            plans[count++] = more[i];
        }
    }
    return count;
}

uint64_t lw_matmul_matrix_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan)
{
    (void)device;
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    return LW_MAGNITUDES_SIZE + lw_matmul_parts_size(plan, &shape);
}

void lw_matmul_record_matrix(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan,
    const struct lw_matmul_kernel *kernel)
{
    struct lw_matmul_kernel complete = *kernel;
    bool fp32_sums = plan->slices > 1 || matmul->c.type == LW_F32;
    complete.kernel = variant->kernels[fp32_sums];
    complete.parts = matmul->scratch.address + LW_MAGNITUDES_SIZE;
    if (variant->matrix == LW_MATRIX_FP16) {
        const struct lw_tensor *operands[] = {&matmul->a, &matmul->b};
        complete.scales = matmul->scratch.address;
        lw_magnitudes(stream, operands, 2, &matmul->scratch);
    }
    lw_matmul_record_gpu(stream, matmul, plan, &complete);
}

void lw_matmul_matrix(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    const struct lw_caps *caps = lw_device_caps(lw_stream_device(stream));
    const struct lw_matrix_shape *matrix = &caps->subgroup_matrices[variant->matrix];
    struct lw_matmul_kernel kernel = {.piece = PIECE,
        .threads = threads_of(&plan->tile, plan->subgroup),
        .matrix = {matrix->m, matrix->n, matrix->k}};
    lw_matmul_record_matrix(variant, stream, matmul, plan, &kernel);
}
