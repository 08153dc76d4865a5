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

static void weighted_add_case(struct check *check, enum lw_type type, uint32_t count, bool first)
{
    if (!check_begin(check, "weighted_add", "%s, %u elements, %s", check_type_name(type), count,
            first ? "first" : "added")) {
        return;
    }
    const float weight = 0.3f;
    struct check_tensor *x = check_input(check, type, 1, count);
    struct check_tensor_params params = {.type = LW_F32,
        .rows = 1,
        .columns = count,
        .fill = first ? CHECK_POISON : CHECK_NORMAL,
        .written = true};
    struct check_tensor *sum = check_tensor(check, &params);
    double *expected = check_doubles(check, count), *terms = check_doubles(check, count);
    for (uint32_t i = 0; i < count; i++) {
        double old = first ? 0 : sum->values[i], term = (double)weight * x->values[i];
        expected[i] = old + term;
        terms[i] = fabs(old) + fabs(term);
    }
    lw_weighted_add(check_stream(check), &x->buffer, type, weight, first, &sum->buffer, count);
    check_work(check, 2.0 * count, (double)count * (double)(lw_type_size(type) + (first ? 4 : 8)));
    if (check_run(check)) {
        check_compare_terms(check, "sum", sum, expected, terms, 1e-7);
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
            weighted_add_case(check, from, check_size(check, 100000), i % 2);
        }
        if (check_is_bench(check)) {
            weighted_add_case(check, from, large, false);
        }
    }
}
