// SPDX-License-Identifier: Apache-2.0
// See magnitude.h and shaders/magnitude.comp.
#include "engine/ops/magnitude.h"

#include "engine/ops/record.h"
#include "shaders/magnitude.h"

#define GROUP_ROWS 8u // of a workgroup

// `target` is zero.
static void record(struct lw_stream *stream, const struct lw_tensor *tensor, uint64_t target)
{
    struct lw_magnitude_args args = {.source = tensor->address,
        .target = target,
        .rows = tensor->rows,
        .columns = tensor->columns,
        .stride = tensor->stride};
    uint64_t line = tensor->stride * (uint64_t)lw_type_size(tensor->type);
    bool aligned = tensor->columns % 8 == 0 && (tensor->address | line) % 16 == 0;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_MAGNITUDE,
        .args = &args,
        .constant_count = 2,
        .constants = {256, aligned},
        .access_count = 2,
        .accesses = {lw_tensor_read(tensor), {target, sizeof(uint32_t), true}},
        .bytes = (double)tensor->rows * tensor->columns * (double)lw_type_size(tensor->type)};
    lw_dispatch_linear(&dispatch, lw_divide_up(tensor->rows, GROUP_ROWS));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_magnitudes(struct lw_stream *stream, const struct lw_tensor *const *tensors, uint32_t count,
    const struct lw_buffer *scratch)
{
    struct lw_buffer words = lw_buffer_part(scratch, 0, count * sizeof(uint32_t));
    lw_stream_fill(stream, &words, 0);
    for (uint32_t i = 0; i < count; i++) {
        record(stream, tensors[i], words.address + i * sizeof(uint32_t));
    }
}
