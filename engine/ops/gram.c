// SPDX-License-Identifier: Apache-2.0
// See gram.h.
#include "engine/ops/gram.h"

#include <string.h>

#include "engine/ops/record.h"
#include "shaders/gram.h"
#include "shaders/gram_columns.h"
#include "shaders/line_sum.h"

_Static_assert((int)LW_GRAM_TILE == LW_GRAM_SIDE * LW_GRAM_SIDE, "the kernel's tile is the host's");

uint64_t lw_gram_size(size_t array_count, uint64_t count, uint32_t piece)
{
    uint64_t side = lw_divide_up(array_count, LW_GRAM_SIDE);
    return side * (side + 1) / 2 * lw_divide_up(count, piece) * LW_GRAM_TILE * sizeof(float);
}

static size_t side_count(const struct lw_gram *gram, size_t first)
{
    size_t rest = gram->array_count - first;
    return rest < LW_GRAM_SIDE ? rest : LW_GRAM_SIDE;
}

// The tile of arrays from `first` by arrays from `second` on.
static void record_tile(struct lw_stream *stream, const struct lw_gram *gram, size_t first,
    size_t second, uint64_t products)
{
    struct lw_gram_args args = {.base = gram->base.buffer.address,
        .products = products,
        .count = gram->count,
        .piece = gram->piece};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_GRAM, .args = &args};
    size_t a_count = side_count(gram, first), b_count = side_count(gram, second);
    uint32_t a_types = 0, b_types = 0;
    uint64_t addresses = args.base;
    for (size_t k = 0; k < a_count; k++) {
        args.a[k] = gram->x[first + k].buffer.address;
        a_types |= (uint32_t)gram->x[first + k].type << (2 * k);
        addresses |= args.a[k];
        lw_add_access(&dispatch, lw_array_read(&gram->x[first + k], gram->count));
    }
    for (size_t k = 0; k < b_count; k++) {
        args.b[k] = gram->x[second + k].buffer.address;
        b_types |= (uint32_t)gram->x[second + k].type << (2 * k);
        addresses |= args.b[k];
        if (first != second) {
            lw_add_access(&dispatch, lw_array_read(&gram->x[second + k], gram->count));
        }
    }
    uint64_t pieces = lw_divide_up(gram->count, gram->piece);
    lw_add_access(&dispatch, lw_array_read(&gram->base, gram->count));
    lw_add_access(
        &dispatch, (struct lw_access){products, pieces * LW_GRAM_TILE * sizeof(float), true});
    // A piece begins anywhere where its length is no multiple of four.
    lw_set_row_constants(
        stream, &dispatch, gram->piece, addresses % 8 == 0 && gram->piece % 4 == 0);
    dispatch.constants[1] = dispatch.constants[1] ? 1 : 0; // the last piece may end anywhere
    const uint32_t constants[] = {(uint32_t)a_count, (uint32_t)b_count, a_types, b_types,
        lw_array_type(&gram->base), first == second};
    memcpy(&dispatch.constants[3], constants, sizeof constants);
    dispatch.constant_count = 9;
    dispatch.flops = 2.0 * (double)gram->count * (double)(a_count * b_count);
    lw_dispatch_linear(&dispatch, pieces);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_gram(struct lw_stream *stream, const struct lw_gram *gram)
{
    bool fits = gram->piece && lw_array_fits(&gram->base, gram->count) &&
                gram->products.size >= lw_gram_size(gram->array_count, gram->count, gram->piece);
    for (size_t k = 0; fits && k < gram->array_count; k++) {
        fits = gram->x[k].buffer.address && lw_array_fits(&gram->x[k], gram->count);
    }
    if (!fits) {
        lw_stream_fail(stream, LW_FAILED, "gram: %zu arrays of %llu elements do not fit",
            gram->array_count, (unsigned long long)gram->count);
        return;
    }
    uint64_t products = gram->products.address;
    for (size_t first = 0; first < gram->array_count; first += LW_GRAM_SIDE) {
        for (size_t second = first; second < gram->array_count; second += LW_GRAM_SIDE) {
            record_tile(stream, gram, first, second, products);
            products += lw_divide_up(gram->count, gram->piece) * LW_GRAM_TILE * sizeof(float);
        }
    }
}

void lw_gram_columns(struct lw_stream *stream, const struct lw_gram_columns *gram)
{
    uint64_t count = (uint64_t)gram->rows * gram->columns;
    uint64_t slices = lw_divide_up(gram->rows, LW_GRAM_SLICE_ROWS);
    uint64_t bytes = slices * 3 * gram->columns * sizeof(float);
    if (!lw_array_fits(&gram->a, count) || !lw_array_fits(&gram->b, count) ||
        !lw_array_fits(&gram->base, count) || gram->products.size < bytes) {
        lw_stream_fail(
            stream, LW_FAILED, "gram_columns: %u rows of %u do not fit", gram->rows, gram->columns);
        return;
    }
    struct lw_gram_columns_args args = {.a = gram->a.buffer.address,
        .b = gram->b.buffer.address,
        .base = gram->base.buffer.address,
        .products = gram->products.address,
        .rows = gram->rows,
        .columns = gram->columns,
        .slice_rows = LW_GRAM_SLICE_ROWS};
    uint32_t group = lw_on_cpu(stream) ? 16 : 64;
    bool aligned = (args.a | args.b | args.base | args.products) % 8 == 0 && gram->columns % 4 == 0;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_GRAM_COLUMNS,
        .args = &args,
        .constant_count = 5,
        .constants = {group, lw_fours(aligned, gram->columns), lw_array_type(&gram->a),
            lw_array_type(&gram->b), lw_array_type(&gram->base)},
        .flops = 6 * (double)count};
    lw_add_access(&dispatch, lw_array_read(&gram->a, count));
    lw_add_access(&dispatch, lw_array_read(&gram->b, count));
    lw_add_access(&dispatch, lw_array_read(&gram->base, count));
    lw_add_access(&dispatch, (struct lw_access){gram->products.address, bytes, true});
    lw_dispatch_linear(&dispatch, lw_divide_up(gram->columns, (uint64_t)group * 4) * slices);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_line_sum(struct lw_stream *stream, const struct lw_line_sum *sum)
{
    uint64_t count = (uint64_t)sum->rows * sum->columns;
    uint32_t lines = sum->by_column ? sum->columns : sum->rows;
    uint64_t factors = (sum->b.buffer.address ? 2 : 1) * (uint64_t)lines * sizeof(float);
    if (!lw_array_fits(&sum->a, count) || !lw_array_fits(&sum->b, count) ||
        !lw_array_fits(&sum->base, count) || !lw_array_fits(&sum->y, count) ||
        sum->factors.size < factors) {
        lw_stream_fail(
            stream, LW_FAILED, "line_sum: %u rows of %u do not fit", sum->rows, sum->columns);
        return;
    }
    struct lw_line_sum_args args = {.a = sum->a.buffer.address,
        .b = sum->b.buffer.address,
        .base = sum->base.buffer.address,
        .y = sum->y.buffer.address,
        .factors = sum->factors.address,
        .rows = sum->rows,
        .columns = sum->columns,
        .lines = lines};
    bool aligned =
        (args.a | args.b | args.base | args.y | args.factors) % 8 == 0 && sum->columns % 4 == 0;
    struct lw_dispatch dispatch = {
        .kernel = LW_KERNEL_LINE_SUM, .args = &args, .flops = 4 * (double)count};
    lw_add_access(&dispatch, lw_array_read(&sum->a, count));
    lw_add_access(&dispatch, lw_array_read(&sum->b, count));
    lw_add_access(&dispatch, lw_array_read(&sum->base, count));
    lw_add_access(&dispatch, (struct lw_access){sum->factors.address, factors, false});
    lw_add_access(&dispatch, lw_array_write(&sum->y, count));
    lw_set_row_constants(stream, &dispatch, sum->columns, aligned);
    const uint32_t constants[] = {lw_array_type(&sum->a), lw_array_type(&sum->b),
        lw_array_type(&sum->base), lw_array_type(&sum->y), sum->by_column};
    memcpy(&dispatch.constants[3], constants, sizeof constants);
    dispatch.constant_count = 8;
    lw_dispatch_linear(&dispatch, sum->rows);
    lw_stream_dispatch(stream, &dispatch);
}
