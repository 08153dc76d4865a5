// SPDX-License-Identifier: Apache-2.0
// Normalisation and rotation of query and key heads in one pass, and its gradient.
#include <math.h>
#include <string.h>

#include "engine/ops/qk_norm.h"
#include "tests/kernels/check.h"
#include "tests/reference/norm.h"
#include "tests/reference/rope.h"

#define MOST_TOKENS 4096

struct shape {
    enum lw_type type;
    uint32_t tokens, heads, kv_heads, head_dim;
    uint32_t gap; // columns between rows that are not the tensor's: the values of a qkv row
    uint32_t last_position;
    double scale; // of x
    bool in_place;
};

static const float epsilon = 1e-6f;
static const double rope_scale = 1.25;

// A case's operands and, per head row, what the reference finds.
struct operands {
    struct check_tensor *x, *weights[2]; // weights: of queries, of keys
    struct check_tensor *frequency, *position_words;
    uint32_t positions[MOST_TOKENS], table_rows[MOST_TOKENS]; // table_rows: 0
    double *inverse;                                          // [tokens * (heads + kv_heads)]
};

static uint32_t row_columns(const struct shape *shape)
{
    return (shape->heads + shape->kv_heads) * shape->head_dim;
}

// Rows of head_dim elements.
static uint64_t head_count(const struct shape *shape)
{
    return (uint64_t)shape->tokens * (shape->heads + shape->kv_heads);
}

static uint64_t element_count(const struct shape *shape)
{
    return head_count(shape) * shape->head_dim;
}

static bool begin(struct check *check, const char *name, const struct shape *shape)
{
    return check_begin(check, name,
        "%s, %u tokens, %u+%u heads of %u, gap %u, positions to %u, scale %g%s",
        check_type_name(shape->type), shape->tokens, shape->heads, shape->kv_heads, shape->head_dim,
        shape->gap, shape->last_position, shape->scale, shape->in_place ? ", in place" : "");
}

static struct check_tensor *make(
    struct check *check, const struct shape *shape, double scale, bool poison, bool written)
{
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->tokens,
        .columns = row_columns(shape),
        .stride = row_columns(shape) + shape->gap,
        .scale = scale,
        .fill = poison ? CHECK_POISON : CHECK_NORMAL,
        .written = written};
    return check_tensor(check, &params);
}

static void make_operands(struct check *check, const struct shape *shape, bool x_written,
    struct operands *operands, struct lw_qk_norm *norm)
{
    uint32_t half = shape->head_dim / 2;
    operands->x = make(check, shape, shape->scale, false, x_written);
    for (int i = 0; i < 2; i++) {
        operands->weights[i] = check_input(check, shape->type, 1, shape->head_dim);
    }
    operands->frequency = check_input(check, LW_F32, 1, half);
    for (uint32_t i = 0; i < half; i++) {
        check_set(operands->frequency, i, pow(1e6, -(double)i / half));
    }
    for (uint32_t t = 0; t < shape->tokens; t++) {
        operands->table_rows[t] = 0;
        operands->positions[t] = check_random(check, shape->last_position + 1);
    }
    operands->position_words = check_words(check, operands->positions, shape->tokens);
    operands->inverse = check_doubles(check, head_count(shape));
    *norm = (struct lw_qk_norm){.x = operands->x->tensor,
        .q_weight = operands->weights[0]->tensor,
        .k_weight = operands->weights[1]->tensor,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .epsilon = epsilon,
        .scale = (float)rope_scale,
        .positions = operands->position_words->buffer,
        .inverse_frequency = operands->frequency->buffer};
}

static void rotate(
    const struct shape *shape, const struct operands *operands, bool inverse, double *x)
{
    struct reference_rope rope = {shape->tokens, shape->heads + shape->kv_heads, shape->head_dim,
        shape->head_dim, rope_scale, inverse, operands->positions, operands->table_rows,
        operands->frequency->values};
    reference_rope(&rope, x);
}

// The weight of a head of a token's row.
static const double *head_weight(
    const struct shape *shape, const struct operands *operands, uint64_t row)
{
    bool is_key = row % (shape->heads + shape->kv_heads) >= shape->heads;
    return operands->weights[is_key]->values;
}

// The normalised heads, not yet rotated: [tokens, heads + kv_heads, head_dim].
static double *normalise(
    struct check *check, const struct shape *shape, const struct operands *operands)
{
    uint32_t width = shape->head_dim;
    double *y = check_doubles(check, element_count(shape));
    for (uint64_t row = 0; row < head_count(shape); row++) {
        reference_rms_norm(operands->x->values + row * width, head_weight(shape, operands, row),
            epsilon, 1, width, y + row * width, operands->inverse + row);
    }
    return y;
}

// A rotated element is a sum of two terms; each is at most this large.
static double *rotated_terms(struct check *check, const struct shape *shape, const double *x)
{
    uint32_t half = shape->head_dim / 2;
    double *terms = check_doubles(check, element_count(shape));
    for (uint64_t i = 0; i < element_count(shape); i++) {
        double other = x[i % shape->head_dim < half ? i + half : i - half];
        terms[i] = rope_scale * hypot(x[i], other);
    }
    return terms;
}

static void forward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "qk_norm", shape)) {
        return;
    }
    struct operands operands;
    struct lw_qk_norm norm;
    make_operands(check, shape, shape->in_place, &operands, &norm);
    struct check_tensor *y = shape->in_place ? operands.x : make(check, shape, 1, true, true);
    norm.y = y->tensor;
    double *expected = normalise(check, shape, &operands);
    double *terms = rotated_terms(check, shape, expected);
    rotate(shape, &operands, false, expected);
    lw_qk_norm(check_stream(check), &norm);
    double count = (double)element_count(shape);
    check_work(check, 7 * count, 2 * count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare_terms(check, "y", y, expected, terms, 1e-6);
    }
    check_end(check);
}

static void backward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "qk_norm_backward", shape)) {
        return;
    }
    struct operands operands;
    struct lw_qk_norm_backward norm = {0};
    make_operands(check, shape, false, &operands, &norm.forward);
    struct check_tensor *dy = make(check, shape, 1, false, shape->in_place);
    struct check_tensor *dx = shape->in_place ? dy : make(check, shape, 1, true, true);
    struct check_tensor *weight_gradients[2];
    double *expected_weights[2];
    uint32_t width = shape->head_dim;
    for (int i = 0; i < 2; i++) {
        struct check_tensor_params accumulated = {
            .type = LW_F32, .rows = 1, .columns = width, .written = true};
        weight_gradients[i] = check_tensor(check, &accumulated);
        expected_weights[i] = check_doubles(check, width);
        memcpy(expected_weights[i], weight_gradients[i]->values, width * sizeof(double));
    }
    uint64_t count = element_count(shape);
    double *unrotated = check_doubles(check, count), *expected = check_doubles(check, count);
    memcpy(unrotated, dy->values, count * sizeof(double));
    double *terms = rotated_terms(check, shape, unrotated);
    rotate(shape, &operands, true, unrotated);
    normalise(check, shape, &operands);
    for (uint64_t row = 0; row < head_count(shape); row++) {
        const double *weight = head_weight(shape, &operands, row);
        bool is_key = weight == operands.weights[1]->values;
        uint64_t at = row * width;
        reference_rms_norm_backward(operands.x->values + at, weight, operands.inverse + row,
            unrotated + at, 1, width, expected + at, expected_weights[is_key]);
        for (uint32_t i = 0; i < width; i++) {
            terms[at + i] *= operands.inverse[row] * fabs(weight[i]);
        }
    }
    norm.y_gradient = dy->tensor;
    norm.x_gradient = dx->tensor;
    norm.q_weight_gradient = weight_gradients[0]->tensor;
    norm.k_weight_gradient = weight_gradients[1]->tensor;
    norm.scratch = check_scratch(check, lw_qk_norm_scratch(check_device(check), &norm.forward));
    lw_qk_norm_backward(check_stream(check), &norm);
    check_work(
        check, 17.0 * (double)count, 3.0 * (double)count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare_terms(check, "x_gradient", dx, expected, terms, 2e-6);
        check_compare(check, "q_weight_gradient", weight_gradients[0], expected_weights[0], 2e-6);
        check_compare(check, "k_weight_gradient", weight_gradients[1], expected_weights[1], 2e-6);
    }
    check_end(check);
}

static void both_cases(struct check *check, const struct shape *shape)
{
    forward_case(check, shape);
    backward_case(check, shape);
}

void check_qk_norm(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) { // Qwen3-0.6B and 8B
            both_cases(check, &(struct shape){type, 2048, 16, 8, 128, 1024, 2047, 1, false});
            both_cases(check, &(struct shape){type, 1024, 32, 8, 128, 1024, 1023, 1, false});
            continue;
        }
        const uint32_t widths[] = {64, 80, 96, 128}, last[] = {0, 40, 40959, 1000000};
        const double scales[] = {1, 1, 1e-12, 1e15}; // squares within a float's range
        for (unsigned i = 0; i < 2 * check_cases(check); i++) {
            struct shape shape = {.type = type,
                .tokens = check_size(check, 70),
                .kv_heads = check_size(check, 5),
                .head_dim = i % 5 ? widths[i % 5 - 1] : 2 * check_size(check, 160),
                .gap = check_random(check, 2) * check_random(check, 200),
                .last_position = last[check_random(check, 4)],
                .scale = scales[check_random(check, 4)],
                .in_place = check_random(check, 2)};
            shape.heads = shape.kv_heads * check_size(check, 4);
            both_cases(check, &shape);
        }
    }
}
