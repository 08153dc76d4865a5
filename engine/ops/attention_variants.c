// SPDX-License-Identifier: Apache-2.0
// The kernels of attention as rows, best first, and their tile sizes. See attention_private.h.
#include "engine/ops/attention_private.h"

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

typedef void plan_function(enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, const struct lw_caps *caps,
    struct lw_dispatch *dispatch);

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

static void plan_lane(enum lw_attention_operation operation, const struct lw_attention_shape *shape,
    const struct lw_caps *caps, struct lw_dispatch *dispatch)
{
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
}

// As in shaders/include/attention_tile.glsl and attention_decode_tile.comp.
#define TILE_THREADS 128u
#define TILE_ROWS 32u
#define TILE_STAGE_QUADS 1024u
#define TILE_SHARED_BYTES 27264u

static void plan_tile(enum lw_attention_operation operation, const struct lw_attention_shape *shape,
    const struct lw_caps *caps, struct lw_dispatch *dispatch)
{
    (void)caps;
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
}

static const struct variant {
    uint32_t features;       // enum lw_feature bits that it needs
    uint32_t vulkan_version; // at least
    uint32_t shared_memory;  // bytes that it needs
    plan_function *plan;
    enum lw_kernel_id kernels[LW_ATTENTION_OPERATION_COUNT][2]; // fp32, bf16
} variants[] = {
    // Only from Mesa 26.1 on (which reports 1.4.354) does lavapipe load what all lanes share once;
    // before, the lane kernels are 4 times slower than the tile kernels and 20 times slower to
    // compile.
    {LW_FEATURE_CPU, VERSION(1, 4, 350), 0, plan_lane, KERNELS(LANE)},
    {0, 0, TILE_SHARED_BYTES, plan_tile, KERNELS(TILE)},
    {0, 0, 0, plan_lane, KERNELS(LANE)},
};

void lw_attention_plan(struct lw_stream *stream, enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, struct lw_dispatch *dispatch)
{
    const struct lw_caps *caps = lw_device_caps(lw_stream_device(stream));
    const struct variant *variant = variants;
    while ((caps->features & variant->features) != variant->features ||
           caps->vulkan_version < variant->vulkan_version ||
           caps->shared_memory < variant->shared_memory) {
        variant++; // the last row needs nothing
    }
    dispatch->kernel = variant->kernels[operation][shape->type == LW_BF16];
    variant->plan(operation, shape, caps, dispatch);
}
