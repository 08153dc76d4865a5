// SPDX-License-Identifier: Apache-2.0
// Inner products of arrays, and weighted sums whose weights differ from line to line: what merging
// along great circles takes. Called by merger/.
#ifndef LW_OPS_GRAM_H
#define LW_OPS_GRAM_H

#include "engine/ops/array.h"

enum { LW_GRAM_TILE = 16 }; // products of a piece in a tile: 4 arrays by 4

struct lw_gram {
    const struct lw_array *x; // [array_count]
    size_t array_count;
    struct lw_array base; // subtracted from each; may be absent
    uint64_t count;       // elements
    uint32_t piece;       // elements that are summed up in fp32
    // fp32 [tiles][pieces][4][4]. Tiles are those of arrays 4 p ... and 4 q ... with p <= q, p by p;
    // of a tile with p == q only the upper triangle is written.
    struct lw_buffer products;
};

void lw_gram(struct lw_stream *stream, const struct lw_gram *gram);
uint64_t lw_gram_size(size_t array_count, uint64_t count, uint32_t piece); // bytes of products

enum { LW_GRAM_SLICE_ROWS = 64 };

// products[slice][p][column], fp32: the sums over slices of LW_GRAM_SLICE_ROWS rows of the products
// aa, ab, bb of two [rows, columns] matrices less the base, which may be absent.
struct lw_gram_columns {
    struct lw_array a, b, base;
    uint32_t rows, columns;
    struct lw_buffer products;
};
void lw_gram_columns(struct lw_stream *stream, const struct lw_gram_columns *gram);

// y = base + factors[0][line] (a - base) + factors[1][line] (b - base); lines are rows or columns.
// b and base may be absent: then there is no such term, and 0 stands for the base.
struct lw_line_sum {
    struct lw_array a, b, base, y; // [rows, columns]
    uint32_t rows, columns;
    bool by_column;
    struct lw_buffer factors; // fp32 [2][lines]
};
void lw_line_sum(struct lw_stream *stream, const struct lw_line_sum *sum);

#endif
