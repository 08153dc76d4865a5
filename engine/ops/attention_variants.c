// SPDX-License-Identifier: Apache-2.0
// The kernels of attention as rows, best first, and their tile sizes. See attention_private.h.
#include "engine/ops/attention.h"
#include "engine/ops/attention_private.h"
#include "engine/ops/magnitude.h"
#include "engine/ops/matmul_private.h"

#define VERSION(major, minor, patch) ((major) << 22 | (minor) << 12 | (patch))
#define F32_AND_BF16(name)                                                                         \
    {                                                                                              \
        LW_KERNEL_ATTENTION_##name##_F32, LW_KERNEL_ATTENTION_##name##_BF16                        \
    }
// By enum lw_attention_operation.
#define KERNELS(variant)                                                                           \
    {                                                                                              \
        F32_AND_BF16(FORWARD_##variant), F32_AND_BF16(QUERY_GRADIENT_##variant),                   \
            F32_AND_BF16(KEY_GRADIENT_##variant), F32_AND_BF16(DECODE_##variant)                   \
    }

// On matrix cores: bf16 tensors alone, and no decoding, which plan_matrix sees to.
#define MATRIX_KERNELS(operand)                                                                    \
    {                                                                                              \
        {0, LW_KERNEL_ATTENTION_FORWARD_MATRIX_##operand},                                         \
            {0, LW_KERNEL_ATTENTION_QUERY_GRADIENT_MATRIX_##operand},                              \
            {0, LW_KERNEL_ATTENTION_KEY_GRADIENT_MATRIX_##operand},                                \
        {                                                                                          \
            0, 0                                                                                   \
        }                                                                                          \
    }

// Fills the constants and workgroups; false where the kernel does not suit. `matrix`: of a kernel on
// matrix cores, else NULL.
typedef bool plan_function(enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, const struct lw_caps *caps,
    const struct lw_matrix_shape *matrix, struct lw_dispatch *dispatch);

static void set_constants(struct lw_dispatch *dispatch, const uint32_t *constants, uint32_t count)
{
    dispatch->constant_count = count;
    for (uint32_t i = 0; i < count; i++) {
        dispatch->constants[i] = constants[i];
    }
}

// Whether rows can be read and written by fours.
static bool has_quads(const struct lw_attention_shape *shape)
{
    const struct lw_tensor *tensors[] = {shape->q, shape->k, shape->v, shape->out,
        shape->out_gradient, shape->q_gradient, shape->k_gradient, shape->v_gradient};
    bool quads = shape->head_dim % 4 == 0;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        quads = quads && (!tensors[i] ||
                             (tensors[i]->stride % 4 == 0 &&
                                 tensors[i]->address % (4 * lw_type_size(tensors[i]->type)) == 0));
    }
    return quads;
}

// How many rows of the walked side a step takes: the unrolled code should fit the instruction cache
// and compile within a second, which `products` row elements do; a power of two, and no more than
// there are rows.
static uint32_t lane_tile(uint32_t products, const struct lw_attention_shape *shape)
{
    uint32_t tile = 1;
    while (tile < 8 && tile * 2 * shape->head_dim <= products && tile * 2 <= shape->tokens) {
        tile *= 2;
    }
    return tile;
}

static bool plan_lane(enum lw_attention_operation operation, const struct lw_attention_shape *shape,
    const struct lw_caps *caps, const struct lw_matrix_shape *matrix, struct lw_dispatch *dispatch)
{
    (void)matrix;
    uint32_t lanes = caps->subgroup_size;
    bool decode = operation == LW_ATTENTION_DECODE, forward = operation == LW_ATTENTION_FORWARD;
    const struct lw_tensor *first = shape->k, *second = shape->v;
    // Two rows a lane halve the loads, until their gradients no longer fit the first cache.
    uint32_t rows = decode || (!forward && shape->head_dim > 128) ? 1 : 2;
    uint32_t block = lanes * rows;
    uint64_t groups = (uint64_t)((shape->tokens + block - 1) / block) * shape->heads;
    if (operation == LW_ATTENTION_KEY_GRADIENT) {
        first = shape->q;
        second = shape->out_gradient;
        groups = groups / shape->heads * shape->kv_heads;
    } else if (decode) {
        uint32_t group = shape->heads / shape->kv_heads;
        groups = (uint64_t)((group + lanes - 1) / lanes) * shape->kv_heads;
    }
    uint32_t constants[] = {lanes, shape->head_dim, has_quads(shape),
        lane_tile((forward ? 1024 : 512) / rows, shape), first->stride, second->stride, rows};
    set_constants(dispatch, constants, sizeof constants / sizeof *constants);
    lw_dispatch_linear(dispatch, groups);
    return true;
}

// As in shaders/include/attention_tile.glsl and attention_decode_tile.comp.
#define TILE_THREADS 128u
#define TILE_ROWS 32u
#define TILE_STAGE_QUADS 1024u
#define TILE_SHARED_BYTES 27264u

static bool plan_tile(enum lw_attention_operation operation, const struct lw_attention_shape *shape,
    const struct lw_caps *caps, const struct lw_matrix_shape *matrix, struct lw_dispatch *dispatch)
{
    (void)caps;
    (void)matrix;
    uint32_t part = 64, dim_quads = (shape->head_dim + 3) / 4;
    while (part * dim_quads > TILE_STAGE_QUADS) {
        part /= 2;
    }
    uint32_t constants[] = {TILE_THREADS, shape->head_dim, has_quads(shape), part};
    set_constants(dispatch, constants, operation == LW_ATTENTION_DECODE ? 3 : 4);
    uint64_t blocks = (shape->tokens + TILE_ROWS - 1) / TILE_ROWS;
    lw_dispatch_linear(dispatch, operation == LW_ATTENTION_DECODE         ? shape->heads
                                 : operation == LW_ATTENTION_KEY_GRADIENT ? blocks * shape->kv_heads
                                                                          : blocks * shape->heads);
    return true;
}

// The sizes of attention_matrix.glsl.
struct matrix_plan {
    uint32_t score_sets, rows, columns, team, team_rows, threads, dims;
    const struct lw_matrix_shape *matrix;
};

static uint32_t largest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// Bytes of shared memory that the kernel declares.
static uint32_t matrix_shared_size(const struct matrix_plan *plan)
{
    uint32_t tiles = 2 * plan->columns * (plan->dims / 8 + 1) * 16;
    uint32_t scores = plan->score_sets * plan->rows * (plan->columns / 4 + 2) * 16;
    uint32_t subgroups = plan->rows / plan->team_rows * plan->team;
    uint32_t finished = subgroups * plan->matrix->m * plan->matrix->n * 4;
    return tiles + largest(scores, finished) + plan->rows * 4;
}

// Where registers are few, they do for one set of rows that takes a quarter of them at most, in
// matrices of more than 8 by 8: all else spills with ANV (Mesa 26). RDNA3, known by subgroups of 64 and
// no bf16 matrices, keeps rows four times, which may take half of its registers: more spills with RADV.
static bool fits_registers(const struct matrix_plan *plan, const struct lw_caps *caps)
{
    uint32_t registers = lw_matmul_registers(caps), subgroup = lw_matrix_subgroup(caps);
    uint32_t rows = plan->team_rows * plan->dims / (2 * subgroup);
    bool repeats = subgroup == 64 && !(caps->features & LW_FEATURE_BFLOAT16);
    if (registers < 256) {
        return plan->score_sets == 1 && rows <= registers / 4 &&
               plan->matrix->m * plan->matrix->n > 64;
    }
    return !repeats || 4 * plan->score_sets * rows <= registers / 2;
}

// Teams are as large as it takes to keep the sums of an invocation within 64 registers of 256, or 12
// of few, and the tiles as large as fit the shared memory and 256 invocations, which leaves each
// enough registers.
static bool size_matrix_plan(struct matrix_plan *plan, enum lw_attention_operation operation,
    uint32_t head_dim, const struct lw_caps *caps, const struct lw_matrix_shape *matrix)
{
    uint32_t sum_sets = operation == LW_ATTENTION_KEY_GRADIENT ? 2 : 1;
    uint32_t subgroup = lw_matrix_subgroup(caps), whole = largest(largest(matrix->n, matrix->k), 8);
    bool few = lw_matmul_registers(caps) < 256;
    uint32_t dims = (head_dim + whole - 1) / whole * whole;
    *plan = (struct matrix_plan){.score_sets = operation == LW_ATTENTION_FORWARD ? 1 : 2,
        .rows = 64,
        .columns = largest(dims <= 64 && !few ? 64 : 32, largest(matrix->n, matrix->k)),
        .team = 1,
        .team_rows = matrix->m,
        .dims = dims,
        .matrix = matrix};
    while (plan->team_rows * dims * sum_sets > (few ? 12 : 64) * subgroup * plan->team &&
           plan->team < dims / matrix->n) {
        plan->team *= 2;
    }
    uint32_t lowest = largest(largest(matrix->n, matrix->k),
        4 * largest(1, subgroup * plan->team / plan->team_rows)); // four columns an invocation
    plan->columns = largest(plan->columns, lowest);
    for (;;) {
        plan->threads = plan->rows / plan->team_rows * plan->team * subgroup;
        bool fits = matrix_shared_size(plan) <= caps->shared_memory && plan->threads <= 256 &&
                    plan->threads <= caps->max_group_size && plan->rows <= 2 * plan->columns;
        if (fits) {
            return fits_registers(plan, caps);
        }
        if (plan->rows > plan->team_rows && (plan->rows >= plan->columns || plan->threads > 256)) {
            plan->rows /= 2;
        } else if (plan->columns / 2 >= lowest && plan->columns % (2 * lowest) == 0) {
            plan->columns /= 2;
        } else {
            return false;
        }
    }
}

// Both gradients or none: that of the keys takes the magnitudes that the other's left.
static bool fits_matrices(struct matrix_plan *plan, enum lw_attention_operation operation,
    uint32_t head_dim, const struct lw_caps *caps, const struct lw_matrix_shape *matrix)
{
    bool keys = operation == LW_ATTENTION_KEY_GRADIENT;
    enum lw_attention_operation other =
        keys ? LW_ATTENTION_QUERY_GRADIENT : LW_ATTENTION_KEY_GRADIENT;
    struct matrix_plan unused;
    return size_matrix_plan(plan, operation, head_dim, caps, matrix) &&
           (operation == LW_ATTENTION_FORWARD ||
               size_matrix_plan(&unused, other, head_dim, caps, matrix));
}

static bool plan_matrix(enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, const struct lw_caps *caps,
    const struct lw_matrix_shape *matrix, struct lw_dispatch *dispatch)
{
    struct matrix_plan plan;
    if (shape->type != LW_BF16 || operation == LW_ATTENTION_DECODE ||
        !fits_matrices(&plan, operation, shape->head_dim, caps, matrix)) {
        return false;
    }
    uint32_t constants[] = {plan.threads, shape->head_dim, has_quads(shape), plan.rows,
        plan.columns, plan.team, plan.team_rows, matrix->m, matrix->n, matrix->k,
        lw_matrix_subgroup(caps), plan.dims};
    set_constants(dispatch, constants, sizeof constants / sizeof *constants);
    dispatch->subgroup_size = lw_matrix_subgroup(caps);
    uint64_t blocks = (shape->tokens + plan.rows - 1) / plan.rows;
    uint32_t heads = operation == LW_ATTENTION_KEY_GRADIENT ? shape->kv_heads : shape->heads;
    lw_dispatch_linear(dispatch, blocks * heads);
    return true;
}

#define NO_MATRIX LW_MATRIX_OPERANDS

static const struct variant {
    uint32_t features;              // enum lw_feature bits that it needs
    uint32_t vulkan_version;        // at least
    uint32_t shared_memory;         // bytes that it needs
    enum lw_matrix_operand operand; // of matrices that it needs, or NO_MATRIX
    plan_function *plan;
    enum lw_kernel_id kernels[LW_ATTENTION_OPERATION_COUNT][2]; // fp32, bf16
} variants[] = {
    // Only from Mesa 26.1 on (which reports 1.4.354) does lavapipe load what all lanes share once;
    // before, the lane kernels are 4 times slower than the tile kernels and 20 times slower to
    // compile.
    {LW_FEATURE_CPU, VERSION(1, 4, 350), 0, NO_MATRIX, plan_lane, KERNELS(LANE)},
    {0, 0, 0, LW_MATRIX_BF16, plan_matrix, MATRIX_KERNELS(BF16)},
    {0, 0, 0, LW_MATRIX_FP16, plan_matrix, MATRIX_KERNELS(FP16)},
    {0, 0, TILE_SHARED_BYTES, NO_MATRIX, plan_tile, KERNELS(TILE)},
    {0, 0, 0, NO_MATRIX, plan_lane, KERNELS(LANE)},
};

uint64_t lw_attention_scratch(const struct lw_device *device, enum lw_type type)
{
    uint32_t matrices = LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_FLOAT16;
    bool scaled = type == LW_BF16 && (lw_device_caps(device)->features & matrices) == matrices;
    return scaled ? LW_MAGNITUDES_SIZE : 0;
}

static bool is_usable(const struct variant *variant, const struct lw_device *device)
{
    const struct lw_caps *caps = lw_device_caps(device);
    return (caps->features & variant->features) == variant->features &&
           caps->vulkan_version >= variant->vulkan_version &&
           caps->shared_memory >= variant->shared_memory &&
           (variant->operand == NO_MATRIX || lw_matmul_matrix_usable(device, variant->operand));
}

static bool plan(const struct variant *variant, enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, const struct lw_caps *caps,
    struct lw_dispatch *dispatch)
{
    bool matrices = variant->operand != NO_MATRIX;
    const struct lw_matrix_shape *matrix =
        matrices ? &caps->subgroup_matrices[variant->operand] : NULL;
    return variant->plan(operation, shape, caps, matrix, dispatch);
}

void lw_attention_plan(struct lw_stream *stream, enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, struct lw_dispatch *dispatch)
{
    struct lw_device *device = lw_stream_device(stream);
    const struct variant *variant = variants;
    while (!is_usable(variant, device) ||
           !plan(variant, operation, shape, lw_device_caps(device), dispatch)) {
        variant++; // the last row needs nothing
    }
    dispatch->kernel = variant->kernels[operation][shape->type == LW_BF16];
    if (variant->operand == LW_MATRIX_FP16 && operation != LW_ATTENTION_KEY_GRADIENT) {
        const struct lw_tensor *operands[] = {shape->q, shape->k, shape->v, shape->out_gradient};
        lw_magnitudes(stream, operands, shape->out_gradient ? 4 : 3, shape->scratch);
    }
}
