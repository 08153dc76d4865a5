// SPDX-License-Identifier: Apache-2.0
// The loop of multiply-adds that measures vector arithmetic.
#include "engine/ops/multiply_add.h"
#include "shaders/multiply_add.h"
#include "tests/kernels/check.h"

static double reference(const struct lw_multiply_add *multiply_add, uint32_t index)
{
    double sum = 0;
    for (uint32_t chain = 0; chain < LW_MULTIPLY_ADD_CHAINS; chain++) {
        double value = chain + index % 16;
        for (uint32_t i = 0; i < multiply_add->rounds * LW_MULTIPLY_ADD_UNROLL; i++) {
            value = value * (double)multiply_add->factor + (double)multiply_add->addend;
        }
        sum += value;
    }
    return sum;
}

static void multiply_add_case(struct check *check, uint32_t count, uint32_t rounds)
{
    if (!check_begin(check, "multiply_add", "%u invocations, %u rounds", count, rounds)) {
        return;
    }
    struct check_tensor *y = check_output(check, LW_F32, 1, count);
    const struct lw_multiply_add multiply_add = {
        .y = y->buffer, .count = count, .rounds = rounds, .factor = 0.999f, .addend = 0.25f};
    lw_multiply_add(check_stream(check), &multiply_add);
    check_work(check, lw_multiply_add_flops(&multiply_add), 4.0 * count);
    if (check_run(check)) {
        double *expected = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            expected[i] = reference(&multiply_add, i);
        }
        check_compare(check, "sum", y, expected, 2e-6);
    }
    check_end(check);
}

void check_multiply_add(struct check *check)
{
    if (check_is_bench(check)) {
        multiply_add_case(check, 8192, 1024);
        return;
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        multiply_add_case(check, check_size(check, 3000), check_random(check, 20));
    }
}
