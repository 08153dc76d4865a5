// SPDX-License-Identifier: Apache-2.0
// A flat array in device memory with its element type: what element-wise operations take. Plain
// data, owns nothing.
#ifndef LW_OPS_ARRAY_H
#define LW_OPS_ARRAY_H

#include "engine/ops/tensor.h"

struct lw_array {
    struct lw_buffer buffer; // address 0: absent
    enum lw_type type;
};

// The type as kernels' constants name it (shaders/include/operands.glsl).
static inline uint32_t lw_array_type(const struct lw_array *array)
{
    return array->buffer.address ? (uint32_t)array->type : 3;
}

static inline struct lw_access lw_array_read(const struct lw_array *array, uint64_t count)
{
    uint64_t bytes = array->buffer.address ? count * lw_type_size(array->type) : 0;
    return (struct lw_access){array->buffer.address, bytes, false};
}

static inline struct lw_access lw_array_write(const struct lw_array *array, uint64_t count)
{
    struct lw_access access = lw_array_read(array, count);
    access.write = true;
    return access;
}

// Whether the array has room for `count` elements; an absent one does.
static inline bool lw_array_fits(const struct lw_array *array, uint64_t count)
{
    return !array->buffer.address || array->buffer.size >= count * lw_type_size(array->type);
}

#endif
