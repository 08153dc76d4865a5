// SPDX-License-Identifier: Apache-2.0
// Rows gathered and scattered by index, which are exact, and the gradient of the token embedding.
#include <string.h>

#include "engine/ops/embedding.h"
#include "tests/kernels/check.h"
#include "tests/reference/embedding.h"

#define TOKENS 4096

struct shape {
    enum lw_type type;
    uint32_t table_rows, rows, columns, gap; // gap: columns between rows not the tensor's
};

static bool begin(struct check *check, const char *name, const struct shape *shape)
{
    return check_begin(check, name, "%s, %u of %u rows of %u, gap %u", check_type_name(shape->type),
        shape->rows, shape->table_rows, shape->columns, shape->gap);
}

static struct check_tensor *make(
    struct check *check, const struct shape *shape, uint32_t rows, bool written)
{
    struct check_tensor_params params = {.type = shape->type,
        .rows = rows,
        .columns = shape->columns,
        .stride = shape->columns + shape->gap,
        .fill = written ? CHECK_POISON : CHECK_NORMAL,
        .written = written};
    return check_tensor(check, &params);
}

static double bytes_of(const struct shape *shape)
{
    return 2.0 * shape->rows * shape->columns * (double)lw_type_size(shape->type);
}

static void embedding_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "embedding", shape)) {
        return;
    }
    struct check_tensor *table = make(check, shape, shape->table_rows, false);
    struct check_tensor *y = make(check, shape, shape->rows, true);
    uint32_t ids[TOKENS];
    for (uint32_t i = 0; i < shape->rows; i++) {
        ids[i] = check_random(check, shape->table_rows);
    }
    struct check_tensor *id_words = check_words(check, ids, shape->rows);
    lw_embedding(check_stream(check), &table->tensor, &id_words->buffer, &y->tensor);
    check_work(check, 0, bytes_of(shape));
    if (check_run(check)) {
        double *expected = check_doubles(check, (uint64_t)shape->rows * shape->columns);
        reference_gather(table->values, ids, shape->rows, shape->columns, expected);
        check_compare(check, "y", y, expected, 0);
    }
    check_end(check);
}

// Distinct rows of the table in a random order.
static void choose_rows(struct check *check, const struct shape *shape, uint32_t *rows)
{
    for (uint32_t i = 0; i < shape->table_rows; i++) {
        uint32_t j = check_random(check, i + 1);
        rows[i] = rows[j];
        rows[j] = i;
    }
}

// `shape->rows` of the table's rows are trained; the chunk holds those from first_row on, and may
// reach past them.
static void gather_case(
    struct check *check, const struct shape *shape, uint32_t first_row, uint32_t chunk)
{
    if (!begin(check, "gather_rows", shape)) {
        return;
    }
    struct check_tensor *x = make(check, shape, shape->table_rows, false);
    struct check_tensor *y = make(check, shape, chunk, true);
    uint32_t rows[TOKENS] = {0};
    choose_rows(check, shape, rows);
    struct check_tensor *row_words = check_words(check, rows, shape->table_rows);
    struct check_tensor *count = check_words(check, &shape->rows, 1);
    lw_gather_rows(
        check_stream(check), &x->tensor, &row_words->buffer, &count->buffer, first_row, &y->tensor);
    check_work(check, 0, bytes_of(shape));
    if (check_run(check)) {
        double *expected = check_doubles(check, (uint64_t)chunk * shape->columns);
        uint32_t left = shape->rows > first_row ? shape->rows - first_row : 0;
        reference_gather(
            x->values, rows + first_row, left < chunk ? left : chunk, shape->columns, expected);
        check_compare(check, "y", y, expected, 0);
    }
    check_end(check);
}

static void scatter_case(
    struct check *check, const struct shape *shape, uint32_t first_row, uint32_t chunk)
{
    if (!begin(check, "scatter_rows", shape)) {
        return;
    }
    struct check_tensor *y = make(check, shape, chunk, false);
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->table_rows,
        .columns = shape->columns,
        .stride = shape->columns + shape->gap,
        .written = true};
    struct check_tensor *x = check_tensor(check, &params);
    uint32_t rows[TOKENS] = {0};
    choose_rows(check, shape, rows);
    struct check_tensor *row_words = check_words(check, rows, shape->table_rows);
    struct check_tensor *count = check_words(check, &shape->rows, 1);
    uint64_t size = (uint64_t)shape->table_rows * shape->columns;
    double *expected = check_doubles(check, size);
    memcpy(expected, x->values, size * sizeof(double));
    for (uint32_t r = 0; r < chunk && first_row + r < shape->rows; r++) {
        memcpy(expected + (uint64_t)rows[first_row + r] * shape->columns,
            y->values + (uint64_t)r * shape->columns, shape->columns * sizeof(double));
    }
    lw_scatter_rows(
        check_stream(check), &y->tensor, &row_words->buffer, &count->buffer, first_row, &x->tensor);
    check_work(check, 0, bytes_of(shape));
    if (check_run(check)) {
        check_compare(check, "x", x, expected, 0);
    }
    check_end(check);
}

static void backward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "embedding_backward", shape)) {
        return;
    }
    struct check_tensor *dy = make(check, shape, shape->rows, false);
    struct check_tensor_params params = {.type = LW_F32,
        .rows = shape->table_rows,
        .columns = shape->columns,
        .stride = shape->columns + shape->gap,
        .written = true};
    struct check_tensor *table = check_tensor(check, &params);
    // Ids follow no uniform law: a few are common, as in text.
    uint32_t ids[TOKENS], order[TOKENS], starts[TOKENS + 1], groups = 0, placed = 0;
    for (uint32_t i = 0; i < shape->rows; i++) {
        double u = check_uniform(check);
        ids[i] = (uint32_t)(u * u * u * shape->table_rows);
    }
    for (uint32_t id = 0; id < shape->table_rows; id++) {
        uint32_t first = placed;
        for (uint32_t i = 0; i < shape->rows; i++) {
            if (ids[i] == id) {
                order[placed++] = i;
            }
        }
        if (placed > first) {
            starts[groups++] = first;
        }
    }
    starts[groups] = placed;
    for (uint32_t g = groups + 1; g <= shape->rows; g++) {
        starts[g] = UINT32_MAX; // what stands here must not matter
    }
    uint64_t size = (uint64_t)shape->table_rows * shape->columns;
    double *expected = check_doubles(check, size);
    memcpy(expected, table->values, size * sizeof(double));
    reference_embedding_backward(dy->values, ids, shape->rows, shape->columns, expected);
    struct lw_embedding_backward backward = {.table_gradient = table->tensor,
        .y_gradient = dy->tensor,
        .ids = check_words(check, ids, shape->rows)->buffer,
        .order = check_words(check, order, shape->rows)->buffer,
        .group_start = check_words(check, starts, shape->rows + 1)->buffer,
        .group_count = check_words(check, &groups, 1)->buffer};
    lw_embedding_backward(check_stream(check), &backward);
    double count = (double)shape->rows * shape->columns;
    check_work(
        check, count, count * (double)lw_type_size(shape->type) + 8.0 * groups * shape->columns);
    if (check_run(check)) {
        check_compare(check, "table_gradient", table, expected, 2e-6);
    }
    check_end(check);
}

void check_embedding(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            embedding_case(check, &(struct shape){type, 20000, 4096, 896, 0});
            gather_case(check, &(struct shape){type, 4096, 4096, 896, 0}, 0, 4096);
            scatter_case(check, &(struct shape){type, 4096, 4096, 896, 0}, 0, 4096);
            backward_case(check, &(struct shape){type, 20000, 4096, 896, 0});
            continue;
        }
        for (unsigned i = 0; i < check_cases(check); i++) {
            struct shape shape = {type, check_size(check, 200), check_size(check, 200),
                check_size(check, 1500), check_random(check, 2) * check_random(check, 9)};
            embedding_case(check, &shape);
            backward_case(check, &shape);
            uint32_t first = check_random(check, shape.table_rows);
            uint32_t chunk = 1 + check_random(check, shape.table_rows - first);
            shape.rows = check_random(check, shape.table_rows + 1); // none is possible, too
            gather_case(check, &shape, first, chunk);
            scatter_case(check, &shape, first, chunk);
        }
    }
}
