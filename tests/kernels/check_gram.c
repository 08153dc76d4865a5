// SPDX-License-Identifier: Apache-2.0
// Inner products of arrays, and sums with weights of their own for each line.
#include <math.h>

#include "engine/ops/gram.h"
#include "tests/kernels/check.h"

enum { most_arrays = 11 };

static struct lw_array array_of(const struct check_tensor *tensor)
{
    return (struct lw_array){tensor->buffer, tensor->tensor.type};
}

static enum lw_type random_type(struct check *check)
{
    return (enum lw_type)check_random(check, LW_TYPE_COUNT);
}

struct gram_shape {
    size_t arrays;
    bool with_base, one_type;
    uint32_t count, piece;
};

static double less_base(const struct check_tensor *x, const struct check_tensor *base, uint64_t i)
{
    return x->values[i] - (base ? base->values[i] : 0);
}

static void gram_case(struct check *check, const struct gram_shape *shape)
{
    if (!check_begin(check, "gram", "%zu arrays%s, %u elements in pieces of %u", shape->arrays,
            shape->with_base ? " less a base" : "", shape->count, shape->piece)) {
        return;
    }
    struct check_tensor *x[most_arrays], *base = NULL;
    struct lw_array arrays[most_arrays];
    for (size_t k = 0; k < shape->arrays; k++) {
        x[k] = check_input(check, shape->one_type ? LW_BF16 : random_type(check), 1, shape->count);
        arrays[k] = array_of(x[k]);
    }
    struct lw_gram gram = {
        .x = arrays, .array_count = shape->arrays, .count = shape->count, .piece = shape->piece};
    if (shape->with_base) {
        base = check_input(check, shape->one_type ? LW_BF16 : random_type(check), 1, shape->count);
        gram.base = array_of(base);
    }
    uint32_t words = (uint32_t)lw_gram_size(shape->arrays, shape->count, shape->piece) / 4;
    struct check_tensor *products = check_output(check, LW_F32, 1, words);
    gram.products = products->buffer;
    lw_stream_fill(check_stream(check), &products->buffer, 0); // lower triangles stay
    lw_gram(check_stream(check), &gram);
    check_work(check, 0, 2.0 * shape->count * (double)(shape->arrays + shape->with_base));
    if (check_run(check)) {
        double *expected = check_doubles(check, words), *sizes = check_doubles(check, words);
        uint32_t tile = 0, pieces = (shape->count + shape->piece - 1) / shape->piece;
        for (size_t p = 0; p < shape->arrays; p += 4) {
            for (size_t q = p; q < shape->arrays; q += 4, tile++) {
                for (size_t j = p; j < p + 4 && j < shape->arrays; j++) {
                    for (size_t k = p == q ? j : q; k < q + 4 && k < shape->arrays; k++) {
                        for (uint32_t i = 0; i < shape->count; i++) {
                            uint64_t at = ((uint64_t)tile * pieces + i / shape->piece) * 16 +
                                          (j - p) * 4 + (k - q);
                            double product = less_base(x[j], base, i) * less_base(x[k], base, i);
                            expected[at] += product;
                            sizes[at] += fabs(product);
                        }
                    }
                }
            }
        }
        check_compare_terms(check, "products", products, expected, sizes, 2e-6);
    }
    check_end(check);
}

static void columns_case(struct check *check, uint32_t rows, uint32_t columns, bool with_base)
{
    if (!check_begin(check, "gram_columns", "%u rows of %u%s", rows, columns,
            with_base ? " less a base" : "")) {
        return;
    }
    struct check_tensor *a = check_input(check, random_type(check), rows, columns);
    struct check_tensor *b = check_input(check, random_type(check), rows, columns), *base = NULL;
    uint32_t slices = (rows + LW_GRAM_SLICE_ROWS - 1) / LW_GRAM_SLICE_ROWS;
    struct check_tensor *products = check_output(check, LW_F32, slices * 3, columns);
    struct lw_gram_columns gram = {.a = array_of(a),
        .b = array_of(b),
        .rows = rows,
        .columns = columns,
        .products = products->buffer};
    if (with_base) {
        base = check_input(check, random_type(check), rows, columns);
        gram.base = array_of(base);
    }
    lw_gram_columns(check_stream(check), &gram);
    check_work(check, 0, 2.0 * rows * columns * (2 + with_base));
    if (check_run(check)) {
        double *expected = check_doubles(check, 3ull * slices * columns);
        double *sizes = check_doubles(check, 3ull * slices * columns);
        for (uint64_t i = 0; i < (uint64_t)rows * columns; i++) {
            double left = less_base(a, base, i), right = less_base(b, base, i);
            const double terms[] = {left * left, left * right, right * right};
            uint64_t slice = i / columns / LW_GRAM_SLICE_ROWS;
            for (uint64_t p = 0; p < 3; p++) {
                expected[(slice * 3 + p) * columns + i % columns] += terms[p];
                sizes[(slice * 3 + p) * columns + i % columns] += fabs(terms[p]);
            }
        }
        check_compare_terms(check, "products", products, expected, sizes, 2e-6);
    }
    check_end(check);
}

static void line_case(
    struct check *check, uint32_t rows, uint32_t columns, bool by_column, unsigned operands)
{
    bool with_b = operands & 1, with_base = operands & 2;
    if (!check_begin(check, "line_sum", "%u rows of %u, by %s%s%s", rows, columns,
            by_column ? "column" : "row", with_b ? ", two" : "", with_base ? ", base" : "")) {
        return;
    }
    uint32_t lines = by_column ? columns : rows;
    uint64_t count = (uint64_t)rows * columns;
    struct check_tensor *a = check_input(check, random_type(check), rows, columns), *b = NULL,
                        *base = NULL;
    struct check_tensor *factors = check_input(check, LW_F32, 2, lines);
    struct check_tensor *y = check_output(check, random_type(check), rows, columns);
    struct lw_line_sum sum = {.a = array_of(a),
        .y = array_of(y),
        .rows = rows,
        .columns = columns,
        .by_column = by_column,
        .factors = factors->buffer};
    if (with_b) {
        b = check_input(check, random_type(check), rows, columns);
        sum.b = array_of(b);
    }
    if (with_base) {
        base = check_input(check, random_type(check), rows, columns);
        sum.base = array_of(base);
    }
    lw_line_sum(check_stream(check), &sum);
    check_work(check, 0, 2.0 * (double)count * 3);
    if (check_run(check)) {
        double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t line = by_column ? i % columns : i / columns;
            double origin = base ? base->values[i] : 0;
            double left = factors->values[line] * less_base(a, base, i);
            double right = b ? factors->values[lines + line] * less_base(b, base, i) : 0;
            expected[i] = origin + left + right;
            sizes[i] = fabs(origin) + fabs(left) + fabs(right);
        }
        check_compare_terms(check, "y", y, expected, sizes, 1e-6);
    }
    check_end(check);
}

void check_gram(struct check *check)
{
    if (check_is_bench(check)) {
        gram_case(check, &(struct gram_shape){2, false, true, 1u << 20, 16384});
        gram_case(check, &(struct gram_shape){2, true, true, 1u << 20, 16384});
        gram_case(check, &(struct gram_shape){5, true, true, 1u << 20, 16384});
        columns_case(check, 1024, 1024, false);
        line_case(check, 1024, 1024, false, 1);
        return;
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        struct gram_shape shape = {.arrays = 1 + check_random(check, i % 4 ? 4 : most_arrays),
            .with_base = check_random(check, 2),
            .count = check_size(check, 50000),
            .piece = i % 2 ? 16384 : 1 + check_size(check, 3000)};
        gram_case(check, &shape);
        // Some so wide that a row too many would be read out of all memory.
        bool wide = i % 4 == 0;
        columns_case(check, wide ? 2 : check_size(check, 300),
            wide ? 4 * (20000 + check_random(check, 20000)) : check_size(check, 500), i % 2);
        line_case(
            check, check_size(check, 200), check_size(check, 500), i % 2, check_random(check, 4));
    }
}
