// SPDX-License-Identifier: Apache-2.0
// RMS normalisation, its gradient, and sums of columns.
#include <math.h>
#include <string.h>

#include "engine/ops/norm.h"
#include "tests/kernels/check.h"
#include "tests/reference/norm.h"

struct shape {
    enum lw_type type;
    uint32_t rows, columns, stride;
    double scale;
};

static const float epsilon = 1e-6f;

static struct check_tensor *make(struct check *check, const struct shape *shape, bool written)
{
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->rows,
        .columns = shape->columns,
        .stride = shape->stride,
        .scale = shape->scale,
        .fill = written ? CHECK_POISON : CHECK_NORMAL,
        .written = written};
    return check_tensor(check, &params);
}

static bool begin(struct check *check, const char *name, const struct shape *shape)
{
    return check_begin(check, name, "%s, %u rows of %u, stride %u, scale %g",
        check_type_name(shape->type), shape->rows, shape->columns, shape->stride, shape->scale);
}

static void forward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "rms_norm", shape)) {
        return;
    }
    uint32_t rows = shape->rows, columns = shape->columns;
    struct check_tensor *x = make(check, shape, false), *y = make(check, shape, true);
    struct check_tensor *weight = check_input(check, shape->type, 1, columns);
    struct check_tensor *inverse = check_output(check, LW_F32, 1, rows);
    struct lw_rms_norm norm = {.x = x->tensor,
        .y = y->tensor,
        .weight = weight->tensor,
        .inverse = inverse->tensor,
        .epsilon = epsilon};
    lw_rms_norm(check_stream(check), &norm);
    check_work(
        check, 4.0 * rows * columns, 2.0 * rows * columns * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        double *expected = check_doubles(check, (uint64_t)rows * columns);
        double *expected_inverse = check_doubles(check, rows);
        reference_rms_norm(
            x->values, weight->values, epsilon, rows, columns, expected, expected_inverse);
        check_compare(check, "y", y, expected, 1e-6);
        check_compare(check, "inverse", inverse, expected_inverse, 1e-6);
    }
    check_end(check);
}

// A few sums over rows could cancel to nearly nothing, against which no error is small.
static void keep_few_sums_large(struct check_tensor *tensor, uint64_t count, uint32_t columns)
{
    for (uint64_t i = 0; columns < 64 && i < count; i++) {
        check_set(tensor, i, fabs(tensor->values[i]));
    }
}

static void backward_case(struct check *check, const struct shape *shape, bool add, bool in_place)
{
    if (!begin(check, in_place ? "rms_norm_backward, in place" : "rms_norm_backward", shape)) {
        return;
    }
    uint32_t rows = shape->rows, columns = shape->columns;
    uint64_t count = (uint64_t)rows * columns;
    struct shape unscaled = *shape;
    unscaled.scale = 1;
    struct check_tensor *x = make(check, shape, false), *dy = make(check, &unscaled, false);
    struct check_tensor *weight = check_input(check, shape->type, 1, columns);
    struct check_tensor *inverse = check_input(check, LW_F32, 1, rows);
    struct check_tensor_params residual = {.type = shape->type,
        .rows = rows,
        .columns = columns,
        .stride = shape->stride,
        .written = in_place};
    struct check_tensor *added = add ? check_tensor(check, &residual) : NULL;
    struct check_tensor *dx = in_place ? added : make(check, shape, true);
    struct check_tensor_params accumulated = {
        .type = LW_F32, .rows = 1, .columns = columns, .written = true};
    struct check_tensor *dweight = check_tensor(check, &accumulated);
    keep_few_sums_large(x, count, columns);
    keep_few_sums_large(dy, count, columns);
    keep_few_sums_large(dweight, columns, columns);
    double *expected = check_doubles(check, count), *unused = check_doubles(check, count);
    double *scales = check_doubles(check, rows), *expected_dweight = check_doubles(check, columns);
    reference_rms_norm(x->values, weight->values, epsilon, rows, columns, unused, scales);
    for (uint32_t r = 0; r < rows; r++) {
        check_set(inverse, r, scales[r]);
    }
    memcpy(expected_dweight, dweight->values, columns * sizeof(double));
    reference_rms_norm_backward(x->values, weight->values, inverse->values, dy->values, rows,
        columns, expected, expected_dweight);
    double *terms = unused; // dx is a difference of terms of the size of inverse * dy * weight
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < columns; c++) {
            uint64_t i = (uint64_t)r * columns + c;
            terms[i] = scales[r] * dy->values[i] * weight->values[c];
            if (add) {
                expected[i] += added->values[i];
                terms[i] = fabs(terms[i]) + fabs(added->values[i]);
            }
        }
    }
    struct lw_rms_norm_backward backward = {.x = x->tensor,
        .weight = weight->tensor,
        .inverse = inverse->tensor,
        .y_gradient = dy->tensor,
        .x_gradient = dx->tensor,
        .weight_gradient = dweight->tensor,
        .scratch = check_scratch(check, lw_rms_norm_scratch(rows, columns))};
    if (add) {
        backward.add = added->tensor;
    }
    lw_rms_norm_backward(check_stream(check), &backward);
    check_work(check, 10.0 * (double)count,
        (add ? 4.0 : 3.0) * (double)count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare_terms(check, "x_gradient", dx, expected, terms, 2e-6);
        check_compare(check, "weight_gradient", dweight, expected_dweight, 2e-6);
    }
    check_end(check);
}

static void sum_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "sum_rows", shape)) {
        return;
    }
    uint32_t rows = shape->rows, columns = shape->columns;
    struct check_tensor *x = make(check, shape, false);
    struct check_tensor_params accumulated = {
        .type = LW_F32, .rows = 1, .columns = columns, .written = true};
    struct check_tensor *sums = check_tensor(check, &accumulated);
    keep_few_sums_large(x, (uint64_t)rows * columns, columns);
    keep_few_sums_large(sums, columns, columns);
    double *expected = check_doubles(check, columns);
    memcpy(expected, sums->values, columns * sizeof(double));
    reference_sum_rows(x->values, rows, columns, expected);
    struct lw_buffer scratch = check_scratch(check, lw_rms_norm_scratch(rows, columns));
    lw_sum_rows(check_stream(check), &x->tensor, &sums->tensor, &scratch);
    double count = (double)rows * columns;
    check_work(check, count, count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare(check, "sums", sums, expected, 2e-6);
    }
    check_end(check);
}

static void all_cases(struct check *check, const struct shape *shape, bool add, bool in_place)
{
    forward_case(check, shape);
    backward_case(check, shape, add || in_place, in_place);
    sum_case(check, shape);
}

void check_norm(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            all_cases(check, &(struct shape){type, 4096, 896, 896, 1}, true, false);
            all_cases(check, &(struct shape){type, 1024, 4096, 4096, 1}, true, false);
            continue;
        }
        for (unsigned i = 0; i < check_cases(check); i++) {
            uint32_t columns = check_size(check, i % 4 == 0 ? 9000 : 300);
            uint32_t gap = check_random(check, 3) * check_random(check, 5);
            const double scales[] = {1, 1, 1e-12, 1e15}; // squares within a float's range
            struct shape shape = {type, check_size(check, 70), columns, columns + gap,
                scales[check_random(check, 4)]};
            all_cases(check, &shape, check_random(check, 2), check_random(check, 2));
        }
    }
}
