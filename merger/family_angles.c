// SPDX-License-Identifier: Apache-2.0
// The methods that go by angles between models: slerp, nuslerp, multislerp, karcher, model_stock. The
// first pass takes the models' inner products, from which coefficients.c solves the weights, in double;
// the second makes the weighted sum. nuslerp without nuslerp_flatten and model_stock with filter_wise
// have weights of their own for each row or column.
#include <math.h>

#include "engine/base/alloc.h"
#include "engine/ops/gram.h"
#include "engine/ops/task.h"
#include "merger/coefficients.h"
#include "merger/passes.h"
#include "merger/weighted.h"

enum { piece_elements = 16384 };

enum lines { WHOLE, ROWS, COLUMNS };

struct state {
    size_t count;                   // models
    double *products;               // [count][count]
    double *weights, *coefficients; // [count]
    double *scratch;                // [2 * count]
    double *column_products;        // [3][columns]: aa, ab, bb
    float *factors;                 // [2][lines]
};

// Of rank 1 both ways of nuslerp take the whole vector. With COLUMNS a tensor of higher rank is a
// matrix of its first side by all others.
static enum lines lines_of(const struct lw_merge_outline *outline)
{
    const struct lw_merge_method *method = outline->plan->method;
    if (lw_merge_method_takes(method, LW_MERGE_FILTER_WISE)) {
        bool rows = outline->tensor->info.rank > 1 && lw_merge_flag(outline, LW_MERGE_FILTER_WISE);
        return rows ? ROWS : WHOLE;
    }
    if (outline->tensor->info.rank < 2 || !lw_merge_method_takes(method, LW_MERGE_FLATTEN) ||
        lw_merge_flag(outline, LW_MERGE_FLATTEN)) {
        return WHOLE;
    }
    return lw_merge_flag(outline, LW_MERGE_ROW_WISE) ? COLUMNS : ROWS;
}

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    (void)error;
    enum lines lines = lines_of(outline);
    outline->passes |= 1u << LW_PASS_SUMS;
    outline->whole_rows = lines != WHOLE;
    if (lines == COLUMNS) {
        outline->rows = (uint32_t)outline->tensor->info.shape[0];
        outline->columns = outline->rows ? (uint32_t)(outline->elements / outline->rows) : 0;
    }
    return true;
}

static uint32_t line_count(const struct lw_merge_outline *outline)
{
    enum lines lines = lines_of(outline);
    return lines == ROWS ? outline->rows : lines == COLUMNS ? outline->columns : 0;
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    enum lines lines = lines_of(outline);
    uint64_t columns = outline->columns ? outline->columns : 1;
    uint64_t statistics =
        lw_gram_size(outline->term_count, part, lines == ROWS ? (uint32_t)columns : piece_elements);
    if (lines == COLUMNS) {
        uint64_t slices = part / columns / LW_GRAM_SLICE_ROWS + 1;
        statistics = slices * 3 * columns * sizeof(float);
    }
    uint64_t lines_a_part = lines == ROWS ? part / columns + 1 : line_count(outline);
    lw_raise(&sizes->statistics, statistics);
    lw_raise(&sizes->factors, 2 * lines_a_part * sizeof(float));
    lw_raise(
        &sizes->tables, (outline->term_count / LW_TASK_TERMS + 1) * sizeof(struct lw_task_table));
    lw_raise(&sizes->plane, (part + 3) * sizeof(float));
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = lw_calloc(1, sizeof *state, error);
    work->state = state;
    if (!state) {
        return false;
    }
    size_t count = state->count = outline->term_count, lines = line_count(outline);
    state->products = lw_calloc(count * count, sizeof *state->products, error);
    state->weights = lw_calloc(count, sizeof *state->weights, error);
    state->coefficients = lw_calloc(count, sizeof *state->coefficients, error);
    state->scratch = lw_calloc(2 * count, sizeof *state->scratch, error);
    state->factors = lw_calloc(2 * lines + 1, sizeof *state->factors, error);
    state->column_products = lw_calloc(3 * lines + 1, sizeof *state->column_products, error);
    if (!state->products || !state->weights || !state->coefficients || !state->scratch ||
        !state->factors || !state->column_products) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        state->weights[i] = lw_merge_term_value(outline, i, LW_MERGE_WEIGHT);
    }
    return true;
}

// Solves the weights from state->products.
static bool solve(struct lw_merge_work *work, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = work->state;
    struct lw_error reason = {0};
    double rounds = lw_merge_value(outline, LW_MERGE_MAX_ITER);
    struct lw_merge_spherical spherical = {.count = state->count,
        .products = state->products,
        .weights = state->weights,
        .t = lw_merge_value(outline, LW_MERGE_T),
        .normalize = lw_merge_flag(outline, LW_MERGE_NORMALIZE_WEIGHTS),
        .eps = lw_merge_value(outline, LW_MERGE_EPS),
        .tol = lw_merge_value(outline, LW_MERGE_TOL),
        .max_iter = rounds > 0 ? (unsigned)fmin(rounds, 1e6) : 0,
        .coefficients = state->coefficients,
        .scratch = state->scratch};
    if (!outline->plan->method->solve(&spherical, &reason)) {
        return lw_fail(
            error, reason.status, "tensor %s: %s", outline->tensor->info.name, reason.message);
    }
    for (size_t i = 0; i < state->count; i++) {
        if (!isfinite((float)state->coefficients[i])) {
            return lw_fail(error, LW_BAD_INPUT,
                "tensor %s: %s finds no finite weights for these models",
                outline->tensor->info.name, outline->plan->method->name);
        }
    }
    return true;
}

static void record_products(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    const struct lw_merge_outline *outline = work->outline;
    enum lines lines = lines_of(outline);
    if (lines == COLUMNS) {
        struct lw_gram_columns gram = {.a = part->x[0],
            .b = part->x[1],
            .base = part->base,
            .rows = (uint32_t)(part->count / outline->columns),
            .columns = outline->columns,
            .products = work->space->statistics};
        lw_gram_columns(stream, &gram);
        return;
    }
    struct lw_gram gram = {.x = part->x,
        .array_count = outline->term_count,
        .base = part->base,
        .count = part->count,
        .piece = lines == ROWS ? outline->columns : piece_elements,
        .products = work->space->statistics};
    lw_gram(stream, &gram);
}

// Adds the products of one piece to state->products, from the tiles of gram.h.
static void add_piece(struct state *state, const float *tiles, uint64_t pieces, uint64_t piece)
{
    size_t tile = 0;
    for (size_t p = 0; p < state->count; p += 4) {
        for (size_t q = p; q < state->count; q += 4, tile++) {
            const float *products = tiles + (tile * pieces + piece) * LW_GRAM_TILE;
            for (size_t i = p; i < p + 4 && i < state->count; i++) {
                for (size_t k = p == q ? i : q; k < q + 4 && k < state->count; k++) {
                    state->products[i * state->count + k] += products[(i - p) * 4 + (k - q)];
                    state->products[k * state->count + i] = state->products[i * state->count + k];
                }
            }
        }
    }
}

static void clear_products(struct state *state)
{
    for (size_t i = 0; i < state->count * state->count; i++) {
        state->products[i] = 0;
    }
}

static void set_factors(struct state *state, uint32_t lines, uint64_t line)
{
    for (size_t i = 0; i < 2 && i < state->count; i++) {
        state->factors[i * lines + line] = (float)state->coefficients[i];
    }
}

static bool collect(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = work->state;
    const float *statistics = work->space->statistics.mapped;
    enum lines lines = lines_of(outline);
    if (pass != LW_PASS_SUMS) {
        return true;
    }
    if (lines == COLUMNS) {
        uint64_t sums = 3ull * outline->columns, rows = part->count / outline->columns;
        for (uint64_t i = 0; i < (rows + LW_GRAM_SLICE_ROWS - 1) / LW_GRAM_SLICE_ROWS * sums; i++) {
            state->column_products[i % sums] += statistics[i];
        }
        return true;
    }
    uint64_t piece = lines == ROWS ? outline->columns : piece_elements;
    uint64_t pieces = (part->count + piece - 1) / piece;
    for (uint64_t i = 0; i < pieces; i++) {
        if (lines == ROWS) {
            clear_products(state);
        }
        add_piece(state, statistics, pieces, i);
        if (lines == ROWS) {
            if (!solve(work, error)) {
                return false;
            }
            set_factors(state, outline->rows, part->first / outline->columns + i);
        }
    }
    return true;
}

static bool end(struct lw_merge_work *work, enum lw_merge_pass pass, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = work->state;
    if (pass != LW_PASS_SUMS || lines_of(outline) == ROWS) {
        return true;
    }
    if (lines_of(outline) == WHOLE) {
        return solve(work, error);
    }
    for (uint32_t c = 0; c < outline->columns; c++) {
        const double *products = state->column_products + c;
        state->products[0] = products[0];
        state->products[1] = state->products[2] = products[outline->columns];
        state->products[3] = products[2ull * outline->columns];
        if (!solve(work, error)) {
            return false;
        }
        set_factors(state, outline->columns, c);
    }
    return true;
}

// All models have the same weight in model_stock, so their mean stands for them.
static struct lw_array record_mean(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    struct lw_array mean = {work->space->planes[1], LW_F32};
    for (size_t i = 0; i < state->count; i++) {
        state->scratch[i] = 1 / (double)state->count;
    }
    struct lw_merge_weighted sum = {.x = part->x,
        .weights = state->scratch,
        .count = state->count,
        .y = mean,
        .plane = work->space->planes[0],
        .elements = part->count};
    lw_merge_weighted_sum(stream, &sum);
    return mean;
}

static void record_lines(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = work->state;
    enum lines lines = lines_of(outline);
    bool two = lw_merge_method_takes(outline->plan->method, LW_MERGE_FLATTEN);
    uint32_t rows = (uint32_t)(part->count / outline->columns);
    uint64_t first = lines == ROWS ? part->first / outline->columns : 0;
    uint32_t count = lines == ROWS ? rows : outline->columns;
    float *factors = work->space->factors.mapped;
    for (uint32_t i = 0; i < count; i++) {
        factors[i] = state->factors[first + i] * (two ? 1 : (float)state->count);
        factors[count + i] = two ? state->factors[line_count(outline) + first + i] : 0;
    }
    struct lw_line_sum sum = {.a = two ? part->x[0] : record_mean(work, part, stream),
        .base = part->base,
        .y = part->y,
        .rows = rows,
        .columns = outline->columns,
        .by_column = lines == COLUMNS,
        .factors = work->space->factors};
    if (two) {
        sum.b = part->x[1];
    }
    lw_line_sum(stream, &sum);
}

// base + sum of the weighted differences from it.
static void record_differences(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    struct lw_task_table *tables = work->space->tables.mapped;
    tables[0].divisor = 1;
    tables[0].lambda = 1;
    for (size_t i = 0; i < state->count; i++) {
        tables[i / LW_TASK_TERMS].terms[i % LW_TASK_TERMS] =
            (struct lw_task_term){.weight = (float)state->coefficients[i], .scale = 1};
    }
    struct lw_task_sum sum = {.x = part->x,
        .term_count = state->count,
        .base = part->base,
        .y = part->y,
        .tables = work->space->tables,
        .sums = work->space->sums,
        .count = part->count};
    lw_task_sum(stream, &sum);
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    (void)error;
    struct state *state = work->state;
    if (pass == LW_PASS_SUMS) {
        record_products(work, part, stream);
    } else if (lines_of(work->outline) != WHOLE) {
        record_lines(work, part, stream);
    } else if (part->base.buffer.address) {
        record_differences(work, part, stream);
    } else {
        struct lw_merge_weighted sum = {.x = part->x,
            .weights = state->coefficients,
            .count = state->count,
            .y = part->y,
            .plane = work->space->planes[0],
            .elements = part->count};
        lw_merge_weighted_sum(stream, &sum);
    }
    return true;
}

static void finish(struct lw_merge_work *work)
{
    struct state *state = work->state;
    if (!state) {
        return;
    }
    lw_free(state->products);
    lw_free(state->weights);
    lw_free(state->coefficients);
    lw_free(state->scratch);
    lw_free(state->factors);
    lw_free(state->column_products);
    lw_free(state);
}

const struct lw_merge_family lw_merge_family_angles = {.outline = make_outline,
    .size = add_sizes,
    .begin = begin,
    .record = record,
    .collect = collect,
    .end = end,
    .finish = finish};
