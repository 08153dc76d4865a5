// SPDX-License-Identifier: Apache-2.0
// Private to engine/ops: what the wrappers share. They only record: check shapes, pick the kernel's
// row and constants, fill its arguments, dispatch.
#ifndef LW_OPS_RECORD_H
#define LW_OPS_RECORD_H

#include "engine/gpu/device.h"
#include "engine/ops/tensor.h"
#include "shaders/include/args.h"

// The row of a kernel that comes once per storage type.
#define LW_KERNEL_OF(name, type)                                                                   \
    ((type) == LW_BF16 ? LW_KERNEL_##name##_BF16 : LW_KERNEL_##name##_F32)

static inline bool lw_on_cpu(const struct lw_stream *stream)
{
    return lw_device_caps(lw_stream_device(stream))->features & LW_FEATURE_CPU;
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

static inline uint64_t lw_divide_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

// What a dispatch reads or writes also counts as its useful bytes.
static inline void lw_add_access(struct lw_dispatch *dispatch, struct lw_access access)
{
    dispatch->accesses[dispatch->access_count++] = access;
    dispatch->bytes += (double)access.size;
}

// The constant FOURS (rows.glsl) of rows of `columns` elements.
static inline uint32_t lw_fours(bool aligned, uint32_t columns)
{
    return !aligned ? 0 : columns % 4 ? 1 : 2;
}

// The constants of kernels that give each row of `columns` elements one workgroup (rows.glsl,
// reduce.glsl): the group's size, FOURS, whether the group is one subgroup.
static inline void lw_set_row_constants(
    const struct lw_stream *stream, struct lw_dispatch *dispatch, uint32_t columns, bool aligned)
{
    uint32_t size = lw_device_caps(lw_stream_device(stream))->subgroup_size;
    if (!lw_on_cpu(stream)) {
        size = columns <= 512 ? 64 : columns <= 8192 ? 256 : 512;
    }
    dispatch->constant_count = 3;
    dispatch->constants[0] = size;
    dispatch->constants[1] = lw_fours(aligned, columns);
    dispatch->constants[2] = lw_on_cpu(stream);
}

// The same for kernels of one workgroup, over any number of elements.
static inline void lw_set_single_group(
    const struct lw_stream *stream, struct lw_dispatch *dispatch, bool aligned)
{
    lw_set_row_constants(stream, dispatch, UINT32_MAX, aligned);
    lw_dispatch_linear(dispatch, 1);
}

enum { LW_ELEMENTS_GROUP = 256 }; // invocations of a workgroup of elements.glsl

// The constants and the grid of element-wise kernels over arrays (elements.glsl); `addresses` are
// those of all arrays, or'ed.
static inline void lw_set_elements(struct lw_dispatch *dispatch, uint64_t addresses, uint64_t count)
{
    dispatch->constant_count = 2;
    dispatch->constants[0] = LW_ELEMENTS_GROUP;
    dispatch->constants[1] = addresses % 8 == 0;
    lw_dispatch_linear(dispatch, lw_divide_up(count, (uint64_t)LW_ELEMENTS_GROUP * 4 * LW_CHUNKS));
}

// The constants and the grid of element-wise kernels over rows (tiles.glsl): the group's size,
// FOURS, and the fours of an invocation.
static inline void lw_set_tiles(const struct lw_stream *stream, struct lw_dispatch *dispatch,
    const struct lw_tensor *shape, bool aligned)
{
    uint32_t group = lw_on_cpu(stream) ? 64 : 256, chunks = lw_on_cpu(stream) ? LW_CHUNKS : 1;
    // On CPUs idle invocations cost as much as busy ones: at most an eighth of a row more.
    while (group > 8 && lw_on_cpu(stream) &&
           lw_divide_up(shape->columns, group * 4 * chunks) * group * 4 * chunks >
               shape->columns + shape->columns / 8) {
        group /= 2;
    }
    dispatch->constant_count = 3;
    dispatch->constants[0] = group;
    dispatch->constants[1] = lw_fours(aligned, shape->columns);
    dispatch->constants[2] = chunks;
    lw_dispatch_linear(
        dispatch, lw_divide_up(shape->columns, (uint64_t)group * 4 * chunks) * shape->rows);
}

#endif
