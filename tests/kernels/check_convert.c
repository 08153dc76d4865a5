// SPDX-License-Identifier: Apache-2.0
// Element type conversions and weighted sums.
#include <math.h>

#include "engine/ops/convert.h"
#include "tests/kernels/check.h"

// Values at the edges of the 16-bit types: ties, subnormals, overflow, NaN.
static const double edges[] = {0, -0.0, INFINITY, -INFINITY, NAN, 65504, 65519, 65520, 65536, 1e38,
    -3.4e38, 0x1p-14, 0x1.ffcp-15, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.004p0, 0x1.006p0, 0x1.00cp0,
    0x1.01p0, 0x1.03p0, 0x1.fffffep127, 0x1.fep127, 0x1p-126};

static void convert_case(
    struct check *check, enum lw_type from, enum lw_type to, uint32_t count, uint32_t offset)
{
    if (!check_begin(check, "convert", "%s to %s, %u elements, %u from alignment",
            check_type_name(from), check_type_name(to), count, offset)) {
        return;
    }
    struct check_tensor_params params = {
        .type = from, .rows = 1, .columns = count, .offset = offset, .scale = 100};
    struct check_tensor *x = check_tensor(check, &params);
    struct check_tensor *y = check_output(check, to, 1, count);
    for (uint32_t i = 0; i < sizeof edges / sizeof edges[0] && i < count; i++) {
        check_set(x, i, edges[i]);
    }
    lw_convert(check_stream(check), &x->buffer, from, &y->buffer, to, count);
    check_work(check, 0, (double)count * (double)(lw_type_size(from) + lw_type_size(to)));
    if (check_run(check)) {
        double *expected = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            expected[i] = check_round(to, x->values[i]);
            bool same = isnan(expected[i]) ? isnan(y->values[i]) : y->values[i] == expected[i];
            if (!same) {
                check_fail(check, "element %u: %.9g became %.9g, not %.9g", i, x->values[i],
                    y->values[i], expected[i]);
            }
        }
    }
    check_end(check);
}

// `types` has two bits a term, the first lowest.
static void weighted_sum_case(
    struct check *check, uint32_t terms, uint32_t types, enum lw_type to, uint32_t count)
{
    if (!check_begin(check, "weighted_sum", "%u terms of types %#x to %s, %u elements", terms,
            types, check_type_name(to), count)) {
        return;
    }
    struct lw_weighted_term operands[LW_WEIGHTED_TERMS];
    double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
    double bytes = (double)lw_type_size(to) * count;
    for (uint32_t k = 0; k < terms; k++) {
        enum lw_type type = (enum lw_type)((types >> (2 * k) & 3) % LW_TYPE_COUNT);
        struct check_tensor *x = check_input(check, type, 1, count);
        operands[k] = (struct lw_weighted_term){&x->buffer, type, (float)check_normal(check)};
        for (uint32_t i = 0; i < count; i++) {
            expected[i] += operands[k].weight * x->values[i];
            sizes[i] += fabs(operands[k].weight * x->values[i]);
        }
        bytes += (double)lw_type_size(type) * count;
    }
    struct check_tensor *y = check_output(check, to, 1, count);
    lw_weighted_sum(check_stream(check), operands, terms, &y->buffer, to, count);
    check_work(check, 2.0 * terms * count, bytes);
    if (check_run(check)) {
        check_compare_terms(check, "sum", y, expected, sizes, 1e-7 * terms);
    }
    check_end(check);
}

// Halves of bf16 values, bit for bit: one rounding of (a + b) / 2, ties to even.
static void halves_case(struct check *check)
{
    static const double left[] = {1, 1 + 0x1p-7, -1, 1 + 0x1p-6, 3, 3 * 0x1p-100, 0x1.fep127, 5};
    static const double right[] = {
        1 + 0x1p-7, 1 + 0x1p-6, -1 - 0x1p-7, 1, -3, 0x1p-100, 0x1.fep127, 0};
    const uint32_t count = sizeof left / sizeof left[0];
    if (!check_begin(check, "weighted_sum", "halves")) {
        return;
    }
    struct check_tensor *a = check_input(check, LW_BF16, 1, count);
    struct check_tensor *b = check_input(check, LW_BF16, 1, count);
    struct check_tensor *y = check_output(check, LW_BF16, 1, count);
    for (uint32_t i = 0; i < count; i++) {
        check_set(a, i, left[i]);
        check_set(b, i, right[i]);
    }
    const struct lw_weighted_term terms[] = {
        {&a->buffer, LW_BF16, 0.5f}, {&b->buffer, LW_BF16, 0.5f}};
    lw_weighted_sum(check_stream(check), terms, 2, &y->buffer, LW_BF16, count);
    bool ran = check_run(check);
    for (uint32_t i = 0; ran && i < count; i++) {
        double expected = check_round(LW_BF16, (left[i] + right[i]) / 2);
        if (y->values[i] != expected) {
            check_fail(check, "element %u: %.9g, not %.9g", i, y->values[i], expected);
        }
    }
    check_end(check);
}

void check_convert(struct check *check)
{
    const uint32_t large = 1u << 24;
    for (enum lw_type from = 0; from < LW_TYPE_COUNT; from++) {
        for (enum lw_type to = 0; to < LW_TYPE_COUNT; to++) {
            if (check_is_bench(check)) {
                convert_case(check, from, to, large, 0);
                continue;
            }
            for (unsigned i = 0; i < check_cases(check); i++) {
                convert_case(check, from, to, check_size(check, 100000), check_random(check, 4));
            }
        }
        for (unsigned i = 0; i < check_cases(check) && !check_is_bench(check); i++) {
            weighted_sum_case(check, 1 + check_random(check, LW_WEIGHTED_TERMS),
                check_random(check, 1u << 16), from, check_size(check, 100000));
        }
        if (check_is_bench(check)) {
            weighted_sum_case(check, 2, from | from << 2, from, large);
        }
    }
    if (!check_is_bench(check)) {
        halves_case(check);
    }
}
