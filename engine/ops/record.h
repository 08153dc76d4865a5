// SPDX-License-Identifier: Apache-2.0
// Private to engine/ops: what the wrappers share. They only record: check shapes, pick the kernel's
// row and constants, fill its arguments, dispatch.
#ifndef LW_OPS_RECORD_H
#define LW_OPS_RECORD_H

#include "engine/gpu/device.h"
#include "engine/ops/tensor.h"

// The row of a kernel that comes once per storage type.
#define LW_KERNEL_OF(name, type)                                                                   \
    ((type) == LW_BF16 ? LW_KERNEL_##name##_BF16 : LW_KERNEL_##name##_F32)

static inline bool lw_on_cpu(const struct lw_stream *stream)
{
    return lw_device_caps(lw_stream_device(stream))->features & LW_FEATURE_CPU;
}

// Invocations of a workgroup that shares nothing: CPU drivers run one subgroup after another, and
// small groups spread best over their threads.
static inline uint32_t lw_group_size(const struct lw_stream *stream)
{
    return lw_on_cpu(stream) ? 64 : 256;
}

// Whether every row begins at a multiple of 8 bytes, so that kernels may load four elements at
// once. An absent tensor does.
static inline bool lw_tensor_in_fours(const struct lw_tensor *tensor)
{
    return (tensor->address | tensor->stride * (uint64_t)lw_type_size(tensor->type)) % 8 == 0;
}

static inline bool lw_same_shape(const struct lw_tensor *left, const struct lw_tensor *right)
{
    return left->rows == right->rows && left->columns == right->columns &&
           left->type == right->type;
}

// The constants of kernels that give each row of `columns` elements one workgroup (rows.glsl,
// reduce.glsl): the group's size, whether rows go in fours, whether the group is one subgroup.
static inline void lw_set_row_constants(
    const struct lw_stream *stream, struct lw_dispatch *dispatch, uint32_t columns, bool in_fours)
{
    uint32_t size = lw_device_caps(lw_stream_device(stream))->subgroup_size;
    if (!lw_on_cpu(stream)) {
        size = columns <= 512 ? 64 : columns <= 8192 ? 256 : 512;
    }
    dispatch->constant_count = 3;
    dispatch->constants[0] = size;
    dispatch->constants[1] = in_fours;
    dispatch->constants[2] = lw_on_cpu(stream);
}

static inline uint64_t lw_divide_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

// The same for kernels of one workgroup.
static inline void lw_set_single_group(
    const struct lw_stream *stream, struct lw_dispatch *dispatch, bool in_fours)
{
    lw_set_row_constants(stream, dispatch, UINT32_MAX, in_fours);
    lw_dispatch_linear(dispatch, 1);
}

// The constants and the grid of element-wise kernels over `shape` (tiles.glsl).
static inline void lw_set_tiles(const struct lw_stream *stream, struct lw_dispatch *dispatch,
    const struct lw_tensor *shape, bool in_fours)
{
    uint32_t group = lw_group_size(stream);
    dispatch->constant_count = 2;
    dispatch->constants[0] = group;
    dispatch->constants[1] = in_fours;
    lw_dispatch_linear(dispatch, lw_divide_up(shape->columns, (uint64_t)group * 4) * shape->rows);
}

#endif
