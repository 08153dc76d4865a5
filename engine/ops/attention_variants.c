// SPDX-License-Identifier: Apache-2.0
// The kernels of attention as rows, best first, and their tile sizes. See attention_private.h.
#include "engine/ops/attention_private.h"

#define F32_AND_BF16(name)                                                                         \
    {                                                                                              \
        LW_KERNEL_##name##_F32, LW_KERNEL_##name##_BF16                                            \
    }

typedef void plan_function(enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, const struct lw_caps *caps,
    struct lw_dispatch *dispatch);

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

// A tile's unrolled code should fit the instruction cache: about `products` products of a row, at
// most `most` rows, a power of two, and no more than there are.
static uint32_t lane_tile(uint32_t products, uint32_t most, const struct lw_attention_shape *shape)
{
    uint32_t tile = 1;
    while (
        tile * 2 <= most && tile * 2 * shape->head_dim <= products && tile * 2 <= shape->tokens) {
        tile *= 2;
    }
    return tile;
}

static void plan_lane(enum lw_attention_operation operation, const struct lw_attention_shape *shape,
    const struct lw_caps *caps, struct lw_dispatch *dispatch)
{
    uint32_t lanes = caps->subgroup_size;
    bool gradient =
        operation == LW_ATTENTION_QUERY_GRADIENT || operation == LW_ATTENTION_KEY_GRADIENT;
    const struct lw_tensor *first = shape->k, *second = shape->v;
    uint64_t groups = (uint64_t)((shape->tokens + lanes - 1) / lanes) * shape->heads;
    if (operation == LW_ATTENTION_KEY_GRADIENT) {
        first = shape->q;
        second = shape->out_gradient;
        groups = groups / shape->heads * shape->kv_heads;
    } else if (operation == LW_ATTENTION_DECODE) {
        uint32_t group = shape->heads / shape->kv_heads;
        groups = (uint64_t)((group + lanes - 1) / lanes) * shape->kv_heads;
    }
    uint32_t constants[] = {lanes, shape->head_dim,
        gradient ? lane_tile(512, 8, shape) : lane_tile(1024, 16, shape), has_quads(shape),
        first->stride, second->stride};
    dispatch->constant_count = sizeof constants / sizeof *constants;
    for (uint32_t i = 0; i < dispatch->constant_count; i++) {
        dispatch->constants[i] = constants[i];
    }
    lw_dispatch_linear(dispatch, groups);
}

static const struct variant {
    uint32_t features; // enum lw_feature bits that it needs
    plan_function *plan;
    enum lw_kernel_id kernels[LW_ATTENTION_OPERATION_COUNT][2]; // fp32, bf16
} variants[] = {
    {0, plan_lane,
        {[LW_ATTENTION_FORWARD] = F32_AND_BF16(ATTENTION_FORWARD_LANE),
            [LW_ATTENTION_QUERY_GRADIENT] = F32_AND_BF16(ATTENTION_QUERY_GRADIENT_LANE),
            [LW_ATTENTION_KEY_GRADIENT] = F32_AND_BF16(ATTENTION_KEY_GRADIENT_LANE),
            [LW_ATTENTION_DECODE] = F32_AND_BF16(ATTENTION_DECODE_LANE)}},
};

void lw_attention_plan(struct lw_stream *stream, enum lw_attention_operation operation,
    const struct lw_attention_shape *shape, struct lw_dispatch *dispatch)
{
    const struct lw_caps *caps = lw_device_caps(lw_stream_device(stream));
    const struct variant *variant = variants;
    while ((caps->features & variant->features) != variant->features) {
        variant++; // the last row needs nothing
    }
    dispatch->kernel = variant->kernels[operation][shape->type == LW_BF16];
    variant->plan(operation, shape, caps, dispatch);
}
