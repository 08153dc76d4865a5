// SPDX-License-Identifier: Apache-2.0
// A matrix in device memory as operations see it: plain data, owns nothing. Operations record into
// a stream, keep no pointer to their parameters, and report a wrong shape through the stream.
#ifndef LW_OPS_TENSOR_H
#define LW_OPS_TENSOR_H

#include "engine/base/types.h"
#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"

// Element (row, column) lies at address + (row * stride + column) * lw_type_size(type).
struct lw_tensor {
    uint64_t address;               // 0: absent
    uint32_t rows, columns, stride; // elements; stride >= columns
    enum lw_type type;
};

// A dense [rows, columns] tensor at the start of `buffer`.
static inline struct lw_tensor lw_tensor_of(
    const struct lw_buffer *buffer, enum lw_type type, uint32_t rows, uint32_t columns)
{
    return (struct lw_tensor){buffer->address, rows, columns, columns, type};
}

// Rows [row, row + rows) and columns [column, column + columns) of `tensor`, sharing its memory.
static inline struct lw_tensor lw_tensor_part(
    const struct lw_tensor *tensor, uint32_t row, uint32_t rows, uint32_t column, uint32_t columns)
{
    uint64_t first = (uint64_t)row * tensor->stride + column;
    return (struct lw_tensor){tensor->address + first * lw_type_size(tensor->type), rows, columns,
        tensor->stride, tensor->type};
}

// Bytes from the first to past the last element.
static inline uint64_t lw_tensor_span(const struct lw_tensor *tensor)
{
    return !tensor->address || !tensor->rows || !tensor->columns
               ? 0
               : ((uint64_t)(tensor->rows - 1) * tensor->stride + tensor->columns) *
                     lw_type_size(tensor->type);
}

static inline struct lw_access lw_tensor_read(const struct lw_tensor *tensor)
{
    return (struct lw_access){tensor->address, lw_tensor_span(tensor), false};
}

static inline struct lw_access lw_tensor_write(const struct lw_tensor *tensor)
{
    return (struct lw_access){tensor->address, lw_tensor_span(tensor), true};
}

#endif
