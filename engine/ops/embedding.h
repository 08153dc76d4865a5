// SPDX-License-Identifier: Apache-2.0
// Token embedding: rows gathered by id, and the gradient's rows added back by id.
#ifndef LW_OPS_EMBEDDING_H
#define LW_OPS_EMBEDDING_H

#include "engine/ops/tensor.h"

// y[t, :] = table[ids[t], :]. ids: [tokens] uint32, each < table->rows.
void lw_embedding(struct lw_stream *stream, const struct lw_tensor *table,
    const struct lw_buffer *ids, const struct lw_tensor *y);

// table_gradient[ids[t], :] += y_gradient[t, :], summed per row in a fixed order, no float atomics.
// The host sorts: order [tokens] uint32 lists the token indices grouped by id (ascending token
// within an id); group_start [groups + 1] uint32 holds where each group of equal ids begins in it;
// group_count is one uint32, and at most y_gradient->rows groups exist. table_gradient is fp32.
struct lw_embedding_backward {
    struct lw_tensor table_gradient, y_gradient;
    struct lw_buffer ids, order, group_start, group_count;
};
void lw_embedding_backward(struct lw_stream *stream, const struct lw_embedding_backward *embedding);

// Rows gathered by index (the head's trained rows): y[r, :] = x[rows[r], :] for r < *row_count,
// zero for the remaining rows of y. rows: uint32; row_count: one uint32.
void lw_gather_rows(struct lw_stream *stream, const struct lw_tensor *x,
    const struct lw_buffer *rows, const struct lw_buffer *row_count, uint32_t first_row,
    const struct lw_tensor *y);
// The reverse: x[rows[first_row + r], :] = y[r, :] for first_row + r < *row_count. (gather_rows
// likewise reads rows[first_row + r].)
void lw_scatter_rows(struct lw_stream *stream, const struct lw_tensor *y,
    const struct lw_buffer *rows, const struct lw_buffer *row_count, uint32_t first_row,
    const struct lw_tensor *x);

#endif
