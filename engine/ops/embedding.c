// SPDX-License-Identifier: Apache-2.0
// See embedding.h.
#include "engine/ops/embedding.h"

#include "engine/ops/record.h"
#include "shaders/embedding_backward.h"
#include "shaders/gather_rows.h"
#include "shaders/scatter_rows.h"

static struct lw_access read_words(const struct lw_buffer *words)
{
    return (struct lw_access){words->address, words->size, false};
}

// Records y[r, :] = x[indices[first_row + r], :]; `row_count` may be NULL.
static void gather(struct lw_stream *stream, const struct lw_tensor *x,
    const struct lw_buffer *indices, const struct lw_buffer *row_count, uint32_t first_row,
    const struct lw_tensor *y)
{
    struct lw_gather_rows_args args = {.x = x->address,
        .indices = indices->address,
        .row_count = row_count ? row_count->address : indices->address,
        .y = y->address,
        .rows = y->rows,
        .columns = y->columns,
        .x_stride = x->stride,
        .y_stride = y->stride,
        .first_row = first_row,
        .all_rows = !row_count};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(GATHER_ROWS, y->type),
        .args = &args,
        .access_count = 4,
        .accesses = {lw_tensor_read(x), read_words(indices), lw_tensor_write(y)},
        .bytes = 2 * (double)lw_tensor_span(y)};
    if (row_count) {
        dispatch.accesses[3] = read_words(row_count);
    }
    lw_set_tiles(stream, &dispatch, y, lw_tensor_in_fours(x) && lw_tensor_in_fours(y));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_embedding(struct lw_stream *stream, const struct lw_tensor *table,
    const struct lw_buffer *ids, const struct lw_tensor *y)
{
    if (table->columns != y->columns || table->type != y->type ||
        ids->size < (uint64_t)y->rows * 4) {
        lw_stream_fail(stream, LW_FAILED, "embedding: shapes or types do not fit");
        return;
    }
    gather(stream, table, ids, NULL, 0, y);
}

void lw_gather_rows(struct lw_stream *stream, const struct lw_tensor *x,
    const struct lw_buffer *rows, const struct lw_buffer *row_count, uint32_t first_row,
    const struct lw_tensor *y)
{
    if (x->columns != y->columns || x->type != y->type) {
        lw_stream_fail(stream, LW_FAILED, "gather_rows: shapes or types do not fit");
        return;
    }
    gather(stream, x, rows, row_count, first_row, y);
}

void lw_scatter_rows(struct lw_stream *stream, const struct lw_tensor *y,
    const struct lw_buffer *rows, const struct lw_buffer *row_count, uint32_t first_row,
    const struct lw_tensor *x)
{
    if (x->columns != y->columns || x->type != y->type) {
        lw_stream_fail(stream, LW_FAILED, "scatter_rows: shapes or types do not fit");
        return;
    }
    struct lw_scatter_rows_args args = {.y = y->address,
        .indices = rows->address,
        .row_count = row_count->address,
        .x = x->address,
        .rows = y->rows,
        .columns = y->columns,
        .x_stride = x->stride,
        .y_stride = y->stride,
        .first_row = first_row};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(SCATTER_ROWS, y->type),
        .args = &args,
        .access_count = 4,
        .accesses = {lw_tensor_read(y), read_words(rows), read_words(row_count),
            lw_tensor_write(x)},
        .bytes = 2 * (double)lw_tensor_span(y)};
    lw_set_tiles(stream, &dispatch, y, lw_tensor_in_fours(x) && lw_tensor_in_fours(y));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_embedding_backward(struct lw_stream *stream, const struct lw_embedding_backward *embedding)
{
    const struct lw_tensor *table = &embedding->table_gradient, *dy = &embedding->y_gradient;
    if (table->columns != dy->columns || table->type != LW_F32 ||
        embedding->ids.size < (uint64_t)dy->rows * 4 ||
        embedding->order.size < (uint64_t)dy->rows * 4 ||
        embedding->group_start.size < ((uint64_t)dy->rows + 1) * 4) {
        lw_stream_fail(stream, LW_FAILED, "embedding_backward: shapes or types do not fit");
        return;
    }
    struct lw_embedding_backward_args args = {.table_gradient = table->address,
        .y_gradient = dy->address,
        .ids = embedding->ids.address,
        .order = embedding->order.address,
        .group_start = embedding->group_start.address,
        .group_count = embedding->group_count.address,
        .rows = dy->rows,
        .columns = dy->columns,
        .table_stride = table->stride,
        .y_stride = dy->stride};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(EMBEDDING_BACKWARD, dy->type),
        .args = &args,
        .access_count = 6,
        .accesses = {lw_tensor_read(dy), read_words(&embedding->ids), read_words(&embedding->order),
            read_words(&embedding->group_start), read_words(&embedding->group_count),
            lw_tensor_write(table)},
        .flops = (double)dy->rows * dy->columns,
        .bytes = (double)lw_tensor_span(dy) + 8.0 * dy->rows * dy->columns};
    lw_set_tiles(stream, &dispatch, dy, lw_tensor_in_fours(dy) && lw_tensor_in_fours(table));
    lw_stream_dispatch(stream, &dispatch);
}
