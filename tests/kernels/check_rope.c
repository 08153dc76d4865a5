// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding, above all its angles at far positions.
#include <math.h>
#include <string.h>

#include "engine/ops/rope.h"
#include "tests/kernels/check.h"
#include "tests/reference/rope.h"

struct shape {
    enum lw_type type;
    uint32_t tokens, heads, head_dim, rotated,
        gap; // gap: columns between rows that are not the tensor's
    uint32_t last_position;
    bool inverse;
};

static void rope_case(struct check *check, const struct shape *shape)
{
    if (!check_begin(check, "rope",
            "%s, %u tokens, %u heads of %u (%u rotated), gap %u, positions to %u%s",
            check_type_name(shape->type), shape->tokens, shape->heads, shape->head_dim,
            shape->rotated, shape->gap, shape->last_position, shape->inverse ? ", inverse" : "")) {
        return;
    }
    uint32_t columns = shape->heads * shape->head_dim, half = shape->rotated / 2;
    uint64_t count = (uint64_t)shape->tokens * columns;
    const double scale = 1.25;
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->tokens,
        .columns = columns,
        .stride = columns + shape->gap,
        .written = true};
    struct check_tensor *x = check_tensor(check, &params);
    struct check_tensor *frequency = check_input(check, LW_F32, 2, half);
    for (uint32_t i = 0; i < half; i++) {
        check_set(frequency, i, pow(10000, -(double)i / half));
        check_set(frequency, half + i, pow(3000, -(double)i / half));
    }
    uint32_t positions[4096], rows[4096];
    for (uint32_t t = 0; t < shape->tokens; t++) {
        positions[t] = t % 5 ? check_random(check, shape->last_position + 1)
                             : shape->last_position - t % (shape->last_position + 1);
        rows[t] = check_random(check, 2);
    }
    struct check_tensor *position_words = check_words(check, positions, shape->tokens);
    struct check_tensor *row_words = check_words(check, rows, shape->tokens);
    double *expected = check_doubles(check, count), *terms = check_doubles(check, count);
    memcpy(expected, x->values, count * sizeof(double));
    struct reference_rope reference = {shape->tokens, shape->heads, shape->head_dim, shape->rotated,
        scale, shape->inverse, positions, rows, frequency->values};
    reference_rope(&reference, expected);
    for (uint64_t i = 0; i < count; i++) { // each result is a sum of two terms of this size
        uint64_t column = i % shape->head_dim;
        bool turned = column < shape->rotated;
        double other = turned ? x->values[column < half ? i + half : i - half] : 0;
        terms[i] = turned ? scale * hypot(x->values[i], other) : 0;
    }
    struct lw_rope rope = {.x = x->tensor,
        .heads = shape->heads,
        .head_dim = shape->head_dim,
        .rotated = shape->rotated,
        .scale = (float)scale,
        .inverse = shape->inverse,
        .positions = position_words->buffer,
        .frequency_rows = row_words->buffer,
        .inverse_frequency = frequency->buffer};
    lw_rope(check_stream(check), &rope);
    double turned = (double)shape->tokens * shape->heads * shape->rotated;
    check_work(check, 3 * turned, 2 * turned * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare_terms(check, "x", x, expected, terms, 1e-7);
    }
    check_end(check);
}

void check_rope(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            rope_case(check, &(struct shape){type, 4096, 14, 64, 64, 0, 4095, false});
            rope_case(check, &(struct shape){type, 4096, 14, 64, 64, 256, 4095, false});
            rope_case(check, &(struct shape){type, 1024, 32, 128, 128, 0, 1023, false});
            continue;
        }
        const uint32_t last[] = {0, 1, 2047, 131071, 1000000};
        for (unsigned i = 0; i < 2 * check_cases(check); i++) {
            struct shape shape = {.type = type,
                .tokens = check_size(check, 100),
                .heads = check_size(check, 9),
                .head_dim = 2 * check_size(check, 64),
                .gap = check_random(check, 2) * check_random(check, 9),
                .last_position = last[check_random(check, 5)],
                .inverse = check_random(check, 2)};
            uint32_t most = shape.head_dim / 2;
            shape.rotated = 2 * (check_random(check, 3) ? most : check_size(check, most));
            rope_case(check, &shape);
        }
    }
}
