// SPDX-License-Identifier: Apache-2.0
// Sums with a product of two thin matrices.
#include <math.h>

#include "engine/ops/low_rank.h"
#include "tests/kernels/check.h"

struct low_rank_shape {
    uint32_t rows, columns, rank;
    uint64_t first, count;
    enum lw_type x, y;
};

static void compare(struct check *check, const struct lw_low_rank_sum *sum,
    const struct check_tensor *const operands[3], const struct check_tensor *y)
{
    const struct check_tensor *x = operands[0], *left = operands[1], *right = operands[2];
    double *expected = check_doubles(check, sum->count), *sizes = check_doubles(check, sum->count);
    for (uint64_t i = 0; i < sum->count; i++) {
        uint64_t row = (sum->first + i) / sum->columns, column = (sum->first + i) % sum->columns;
        double product = 0, size = 0;
        for (uint64_t k = 0; k < sum->rank; k++) {
            double term =
                left->values[row * sum->rank + k] * right->values[k * sum->columns + column];
            product += term;
            size += fabs(term);
        }
        expected[i] = x->values[i] + (double)sum->scale * product;
        sizes[i] = fabs(x->values[i]) + fabs((double)sum->scale) * size;
    }
    check_compare_terms(check, "y", y, expected, sizes, 2e-6);
}

static void low_rank_case(struct check *check, const struct low_rank_shape *shape)
{
    if (!check_begin(check, "low_rank_sum", "%s to %s, %u rows of %u, rank %u, %llu from %llu on",
            check_type_name(shape->x), check_type_name(shape->y), shape->rows, shape->columns,
            shape->rank, (unsigned long long)shape->count, (unsigned long long)shape->first)) {
        return;
    }
    struct check_tensor *x = check_input(check, shape->x, 1, (uint32_t)shape->count);
    struct check_tensor *left = check_input(check, LW_F32, shape->rows, shape->rank);
    struct check_tensor *right = check_input(check, LW_F32, shape->rank, shape->columns);
    struct check_tensor *y = check_output(check, shape->y, 1, (uint32_t)shape->count);
    const struct lw_low_rank_sum sum = {.left = left->buffer,
        .right = right->buffer,
        .rows = shape->rows,
        .columns = shape->columns,
        .rank = shape->rank,
        .scale = 0.75f,
        .first = shape->first,
        .count = shape->count,
        .x = {x->buffer, shape->x},
        .y = {y->buffer, shape->y}};
    lw_low_rank_sum(check_stream(check), &sum);
    check_work(check, 2.0 * (double)shape->count * (shape->rank + 1),
        (double)shape->count * (double)(lw_type_size(shape->x) + lw_type_size(shape->y)));
    if (check_run(check)) {
        compare(check, &sum, (const struct check_tensor *const[]){x, left, right}, y);
    }
    check_end(check);
}

void check_low_rank(struct check *check)
{
    if (check_is_bench(check)) {
        static const uint32_t ranks[] = {8, 16, 64};
        for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
            low_rank_case(check,
                &(struct low_rank_shape){683, 1536, ranks[i], 0, 683 * 1536, LW_BF16, LW_F32});
        }
        return;
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        struct low_rank_shape shape = {.rows = check_size(check, 200),
            .columns = check_size(check, 700),
            .rank = 4 * (1 + check_random(check, 8)),
            .x = (enum lw_type)check_random(check, LW_TYPE_COUNT),
            .y = (enum lw_type)check_random(check, LW_TYPE_COUNT)};
        bool wide = i % 4 == 0; // so that a row too many would be read out of all memory
        if (wide) {
            shape.rows = 1 + check_random(check, 4);
            shape.columns = 4 * (20000 + check_random(check, 20000));
            shape.rank = 4;
        }
        uint32_t elements = shape.rows * shape.columns;
        shape.first = wide || i % 3 == 0 ? 0 : check_random(check, elements);
        uint32_t rest = elements - (uint32_t)shape.first;
        shape.count = wide || i % 2 ? rest : 1 + check_random(check, rest);
        low_rank_case(check, &shape);
    }
}
