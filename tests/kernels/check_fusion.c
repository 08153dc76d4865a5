// SPDX-License-Identifier: Apache-2.0
// What decides element by element between models: variance, importance, nearness.
#include <math.h>

#include "engine/ops/fusion.h"
#include "tests/kernels/check.h"

enum { most_arrays = 19 };

static struct lw_array array_of(const struct check_tensor *tensor)
{
    return (struct lw_array){tensor->buffer, tensor->tensor.type};
}

static enum lw_type random_type(struct check *check)
{
    return (enum lw_type)check_random(check, LW_TYPE_COUNT);
}

static void variance_case(struct check *check, size_t arrays, uint32_t count)
{
    if (!check_begin(check, "variance", "%zu arrays, %u elements", arrays, count)) {
        return;
    }
    struct check_tensor *x[most_arrays];
    struct lw_array operands[most_arrays];
    struct check_tensor *base = check_input(check, random_type(check), 1, count);
    for (size_t k = 0; k < arrays; k++) {
        x[k] = check_input(check, random_type(check), 1, count);
        operands[k] = array_of(x[k]);
        for (uint32_t i = 0; i < count; i += 3) { // models that did not change
            check_set(base, i, 1 + (i % 64) / 64.0);
            check_set(x[k], i, base->values[i]);
        }
    }
    struct check_tensor *y = check_output(check, LW_F32, 1, count);
    struct lw_variance variance = {.x = operands,
        .array_count = arrays,
        .base = array_of(base),
        .mean = check_scratch(check, (uint64_t)count * sizeof(float)),
        .y = y->buffer,
        .count = count};
    lw_variance(check_stream(check), &variance);
    check_work(check, 0, 2.0 * count * (double)arrays + 4.0 * count);
    if (check_run(check)) {
        double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            double mean = 0;
            for (size_t k = 0; k < arrays; k++) {
                mean += (x[k]->values[i] - base->values[i]) / (double)arrays;
            }
            for (size_t k = 0; k < arrays; k++) {
                double difference = x[k]->values[i] - base->values[i];
                expected[i] += (difference - mean) * (difference - mean) / (double)arrays;
                sizes[i] += difference * difference;
            }
            if (i % 3 == 0 && y->values[i] != 0) {
                check_fail(check, "element %u: %g where nothing varies", i, y->values[i]);
            }
        }
        check_compare_terms(check, "variance", y, expected, sizes, 2e-6);
    }
    check_end(check);
}

// sum p log(p / q) of the raised softmaxes of a row.
static double divergence_of(
    const double *x, const double *base, uint32_t columns, double *p, double *q)
{
    double x_top = x[0], base_top = base[0], x_sum = 0, base_sum = 0, divergence = 0;
    for (uint32_t c = 1; c < columns; c++) {
        x_top = fmax(x_top, x[c]);
        base_top = fmax(base_top, base[c]);
    }
    for (uint32_t c = 0; c < columns; c++) {
        x_sum += p[c] = exp(x[c] - x_top);
        base_sum += q[c] = exp(base[c] - base_top);
    }
    for (uint32_t c = 0; c < columns; c++) {
        double left = p[c] / x_sum + 1e-8, right = q[c] / base_sum + 1e-8;
        divergence += left * log(left / right);
    }
    return divergence;
}

// `far`: how far x lies from the base, relative to the numbers themselves.
static void divergence_case(struct check *check, uint32_t rows, uint32_t columns, double far)
{
    if (!check_begin(check, "divergence", "%u rows of %u, %g apart", rows, columns, far)) {
        return;
    }
    struct check_tensor *base = check_input(check, random_type(check), rows, columns);
    struct check_tensor *x = check_input(check, LW_F32, rows, columns);
    struct check_tensor *importance = check_output(check, LW_F32, rows, columns);
    uint64_t count = (uint64_t)rows * columns;
    for (uint64_t i = 0; i < count; i++) {
        check_set(x, i, base->values[i] + far * x->values[i]);
    }
    struct lw_divergence divergence = {
        array_of(x), array_of(base), importance->buffer, rows, columns};
    lw_divergence(check_stream(check), &divergence);
    check_work(check, 0, 10.0 * (double)count);
    if (check_run(check)) {
        double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
        double *p = check_doubles(check, columns), *q = check_doubles(check, columns);
        for (uint64_t i = 0; i < count; i++) {
            if (i % columns == 0) {
                sizes[i] = divergence_of(x->values + i, base->values + i, columns, p, q);
            } else {
                sizes[i] = sizes[i - 1];
            }
            expected[i] = sizes[i] * fabs(x->values[i] - base->values[i]);
        }
        for (uint64_t i = 0; i < count; i++) {
            // Below 1e-13 a divergence is the reference's own rounding.
            sizes[i] = (sizes[i] + 1e-10) * fabs(x->values[i] - base->values[i]);
        }
        check_compare_terms(check, "importance", importance, expected, sizes, 1e-3 * 0.05);
    }
    check_end(check);
}

static void near_swap_case(struct check *check, uint32_t count, bool one_type)
{
    if (!check_begin(check, "near_swap", "%u elements", count)) {
        return;
    }
    struct check_tensor *x = check_input(check, one_type ? LW_BF16 : random_type(check), 1, count);
    struct check_tensor *base =
        check_input(check, one_type ? LW_BF16 : random_type(check), 1, count);
    struct check_tensor *y = check_output(check, one_type ? LW_BF16 : random_type(check), 1, count);
    check_set(x, 0, base->values[0]);
    const float t = 0.25f;
    struct lw_near_swap swap = {array_of(x), array_of(base), array_of(y), count, t};
    lw_near_swap(check_stream(check), &swap);
    check_work(check, 0, 6.0 * count);
    if (check_run(check)) {
        double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            double apart = fmax(fabs(base->values[i] - x->values[i]), 1e-6);
            double weight = fmin(t / apart, 1);
            expected[i] = weight * x->values[i] + (1 - weight) * base->values[i];
            sizes[i] = fabs(x->values[i]) + fabs(base->values[i]);
        }
        check_compare_terms(check, "y", y, expected, sizes, 1e-6);
    }
    check_end(check);
}

void check_fusion(struct check *check)
{
    if (check_is_bench(check)) {
        variance_case(check, 2, 1u << 20);
        divergence_case(check, 1024, 1024, 0.01);
        near_swap_case(check, 1u << 20, true);
        return;
    }
    static const double distances[] = {1e-3, 0.05, 1, 20};
    for (unsigned i = 0; i < check_cases(check); i++) {
        variance_case(
            check, 1 + check_random(check, i % 4 ? 4 : most_arrays), check_size(check, 20000));
        divergence_case(check, check_size(check, 20), check_size(check, 5000), distances[i % 4]);
        near_swap_case(check, check_size(check, 50000), false);
    }
}
