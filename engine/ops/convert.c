// SPDX-License-Identifier: Apache-2.0
// See convert.h.
#include "engine/ops/convert.h"

#include "engine/ops/record.h"
#include "shaders/convert.h"
#include "shaders/weighted_sum.h"

void lw_convert(struct lw_stream *stream, const struct lw_buffer *x, enum lw_type x_type,
    const struct lw_buffer *y, enum lw_type y_type, uint64_t count)
{
    static const enum lw_kernel_id kernels[LW_TYPE_COUNT][LW_TYPE_COUNT] = {
        {LW_KERNEL_CONVERT_F32_F32, LW_KERNEL_CONVERT_F32_BF16, LW_KERNEL_CONVERT_F32_F16},
        {LW_KERNEL_CONVERT_BF16_F32, LW_KERNEL_CONVERT_BF16_BF16, LW_KERNEL_CONVERT_BF16_F16},
        {LW_KERNEL_CONVERT_F16_F32, LW_KERNEL_CONVERT_F16_BF16, LW_KERNEL_CONVERT_F16_F16},
    };
    uint64_t x_bytes = count * lw_type_size(x_type), y_bytes = count * lw_type_size(y_type);
    if (x->size < x_bytes || y->size < y_bytes) {
        lw_stream_fail(stream, LW_FAILED, "convert: a buffer is smaller than %llu elements",
            (unsigned long long)count);
        return;
    }
    struct lw_convert_args args = {x->address, y->address, count};
    struct lw_dispatch convert = {.kernel = kernels[x_type][y_type],
        .args = &args,
        .access_count = 2,
        .accesses = {{x->address, x_bytes, false}, {y->address, y_bytes, true}},
        .bytes = (double)(x_bytes + y_bytes)};
    lw_set_elements(&convert, x->address | y->address, count);
    lw_stream_dispatch(stream, &convert);
}

_Static_assert((int)LW_SUM_TERMS == (int)LW_WEIGHTED_TERMS && LW_SUM_F32 == (int)LW_F32 &&
                   LW_SUM_BF16 == (int)LW_BF16 && LW_SUM_F16 == (int)LW_F16,
    "the kernel's constants are the host's");

void lw_weighted_sum(struct lw_stream *stream, const struct lw_weighted_term *terms,
    size_t term_count, const struct lw_buffer *y, enum lw_type y_type, uint64_t elements)
{
    struct lw_weighted_sum_args args = {.y = y->address, .count = elements};
    uint64_t y_bytes = elements * lw_type_size(y_type);
    uint32_t x_types = 0;
    bool fits = term_count >= 1 && term_count <= LW_WEIGHTED_TERMS && y->size >= y_bytes;
    uint64_t addresses = y->address; // of all arrays, or'ed
    struct lw_dispatch sum = {.kernel = LW_KERNEL_WEIGHTED_SUM,
        .args = &args,
        .access_count = 1,
        .accesses = {{y->address, y_bytes, true}},
        .flops = 2 * (double)elements * (double)term_count,
        .bytes = (double)y_bytes};
    for (size_t k = 0; fits && k < term_count; k++) {
        const struct lw_buffer *x = terms[k].x;
        uint64_t x_bytes = elements * lw_type_size(terms[k].type);
        fits = x->size >= x_bytes;
        addresses |= x->address;
        args.x[k] = x->address;
        args.weight[k] = terms[k].weight;
        x_types |= (uint32_t)terms[k].type << (2 * k);
        sum.accesses[sum.access_count++] = (struct lw_access){x->address, x_bytes, false};
        sum.bytes += (double)x_bytes;
    }
    if (!fits) {
        lw_stream_fail(stream, LW_FAILED, "weighted sum: %zu terms of %llu elements do not fit",
            term_count, (unsigned long long)elements);
        return;
    }
    lw_set_row_constants(stream, &sum, LW_SUM_PIECE, addresses % 8 == 0);
    lw_dispatch_linear(&sum, lw_divide_up(elements, LW_SUM_PIECE));
    sum.constant_count = 6;
    sum.constants[3] = (uint32_t)term_count;
    sum.constants[4] = x_types;
    sum.constants[5] = (uint32_t)y_type;
    lw_stream_dispatch(stream, &sum);
}
