// SPDX-License-Identifier: Apache-2.0
// Attention: packed segments, windows, grouped heads, forward, backward and decoding.
#include <math.h>
#include <string.h>

#include "engine/ops/attention.h"
#include "tests/kernels/check.h"
#include "tests/reference/attention.h"

#define MAX_TOKENS 4096u

struct shape {
    enum lw_type type;
    uint32_t tokens, heads, kv_heads, head_dim, window;
    uint32_t segment; // the longest segment; 0: one segment
    double spread;    // deviation of q: 1 is usual, 40 makes scores of thousands
};

struct operands {
    struct check_tensor *qkv, *out, *log_sum;
    struct check_tensor *starts, *ends;
    struct lw_attention attention;
    struct reference_attention reference;
};

// Segments of random lengths up to the longest, the last quarter of length 1 as padding is.
static void make_segments(
    struct check *check, const struct shape *shape, uint32_t *starts, uint32_t *ends)
{
    uint32_t token = 0;
    while (token < shape->tokens) {
        uint32_t length = shape->segment ? 1 + check_random(check, shape->segment) : shape->tokens;
        if (shape->segment && token >= shape->tokens - shape->tokens / 4) {
            length = 1;
        }
        uint32_t end = token + length < shape->tokens ? token + length : shape->tokens;
        for (uint32_t i = token; i < end; i++) {
            starts[i] = token;
            ends[i] = end;
        }
        token = end;
    }
}

// The columns [column, column + count) of rows of `stride` values, dense.
static double *take_columns(struct check *check, const double *values, uint32_t rows,
    uint32_t stride, uint32_t column, uint32_t count)
{
    double *taken = check_doubles(check, (uint64_t)rows * count);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < count; i++) {
            taken[(uint64_t)row * count + i] = values[(uint64_t)row * stride + column + i];
        }
    }
    return taken;
}

// q, k and v as column parts of one tensor, which is the harder case.
static struct operands make_operands(struct check *check, const struct shape *shape)
{
    static uint32_t starts[MAX_TOKENS], ends[MAX_TOKENS];
    uint32_t tokens = shape->tokens, q_columns = shape->heads * shape->head_dim,
             k_columns = shape->kv_heads * shape->head_dim, columns = q_columns + 2 * k_columns;
    make_segments(check, shape, starts, ends);
    struct operands operands = {.qkv = check_input(check, shape->type, tokens, columns),
        .starts = check_words(check, starts, tokens),
        .ends = check_words(check, ends, tokens)};
    double *values = operands.qkv->values;
    for (uint32_t row = 0; row < tokens && shape->spread != 1; row++) {
        for (uint32_t i = 0; i < q_columns; i++) {
            uint64_t place = (uint64_t)row * columns + i;
            check_set(operands.qkv, place, values[place] * shape->spread);
        }
    }
    operands.attention = (struct lw_attention){.tokens = tokens,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .window = shape->window,
        .scale = (float)(1 / sqrt(shape->head_dim)),
        .q = lw_tensor_part(&operands.qkv->tensor, 0, tokens, 0, q_columns),
        .k = lw_tensor_part(&operands.qkv->tensor, 0, tokens, q_columns, k_columns),
        .v = lw_tensor_part(&operands.qkv->tensor, 0, tokens, q_columns + k_columns, k_columns),
        .segment_start = operands.starts->buffer,
        .segment_end = operands.ends->buffer,
        .scratch = check_scratch(check, lw_attention_scratch(check_device(check), shape->type))};
    if (check_is_bench(check)) {
        return operands;
    }
    operands.reference = (struct reference_attention){.tokens = tokens,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .window = shape->window,
        .scale = operands.attention.scale,
        .segment_start = operands.starts->words,
        .q = take_columns(check, values, tokens, columns, 0, q_columns),
        .k = take_columns(check, values, tokens, columns, q_columns, k_columns),
        .v = take_columns(check, values, tokens, columns, q_columns + k_columns, k_columns),
        .scratch = check_doubles(check, tokens)};
    return operands;
}

// Scores of thousands carry an absolute rounding error that exp makes a relative one.
static double tolerance(const struct shape *shape)
{
    return shape->spread > 1 ? 1e-3 : 3e-6;
}

// Products of all causal pairs of one segment; `products` a pair and head.
static double work(const struct shape *shape, double products)
{
    double tokens = shape->tokens, window = shape->window ? shape->window : tokens;
    window = window < tokens ? window : tokens;
    double pairs = window * (window + 1) / 2 + (tokens - window) * window;
    return products * 2 * pairs * shape->heads * shape->head_dim;
}

static bool begin(struct check *check, const char *name, const struct shape *shape)
{
    if (check_is_matrices(check) && (shape->type != LW_BF16 || !strcmp(name, "attention_decode"))) {
        return false;
    }
    return check_begin(check, name, "%s, %u tokens, %u/%u heads of %u, window %u, segments %u%s",
        check_type_name(shape->type), shape->tokens, shape->heads, shape->kv_heads, shape->head_dim,
        shape->window, shape->segment, shape->spread > 1 ? ", huge" : "");
}

static void forward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "attention_forward", shape)) {
        return;
    }
    uint32_t columns = shape->heads * shape->head_dim;
    struct operands operands = make_operands(check, shape);
    struct check_tensor *out = check_output(check, shape->type, shape->tokens, columns);
    struct check_tensor *log_sum = check_output(check, LW_F32, shape->heads, shape->tokens);
    operands.attention.out = out->tensor;
    operands.attention.log_sum = log_sum->tensor;
    lw_attention_forward(check_stream(check), &operands.attention);
    check_work(check, work(shape, 2), 0);
    if (check_run(check)) {
        double *expected = check_doubles(check, (uint64_t)shape->tokens * columns);
        double *expected_log_sum = check_doubles(check, (uint64_t)shape->tokens * shape->heads);
        reference_attention_forward(&operands.reference, expected, expected_log_sum);
        check_compare(check, "out", out, expected, tolerance(shape));
        check_compare(check, "log_sum", log_sum, expected_log_sum, 3e-6);
    }
    check_end(check);
}

static void set_all(struct check_tensor *tensor, const double *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        check_set(tensor, i, values[i]);
    }
}

// Where huge scores leave a query no choice, its gradient is the difference of two equal sums of
// about 1, and nothing but their rounding is left.
static void compare_score_gradient(struct check *check, const struct shape *shape, const char *what,
    const struct check_tensor *gradient, const double *expected, uint64_t count)
{
    if (shape->spread == 1) {
        check_compare(check, what, gradient, expected, tolerance(shape));
        return;
    }
    double *terms = check_doubles(check, count);
    for (uint64_t i = 0; i < count; i++) {
        terms[i] = fabs(expected[i]) + 1;
    }
    check_compare_terms(check, what, gradient, expected, terms, tolerance(shape));
}

static void compare_gradients(struct check *check, const struct shape *shape,
    const struct operands *operands, struct check_tensor *const gradients[3],
    const struct check_tensor *out, const struct check_tensor *out_gradient)
{
    uint64_t q_count = (uint64_t)shape->tokens * shape->heads * shape->head_dim;
    uint64_t k_count = q_count / shape->heads * shape->kv_heads;
    struct reference_attention_gradients expected = {.out = out->values,
        .out_gradient = out_gradient->values,
        .q = check_doubles(check, q_count),
        .k = check_doubles(check, k_count),
        .v = check_doubles(check, k_count)};
    reference_attention_backward(&operands->reference, &expected);
    bool alone = true; // no query has a choice: nothing but rounding is left of its gradient
    for (uint32_t token = 0; token < shape->tokens; token++) {
        alone = alone && (shape->window == 1 || operands->starts->words[token] == token);
    }
    for (uint64_t i = 0; i < q_count && alone; i++) {
        if (!(fabs(gradients[0]->values[i]) < 1e-4)) {
            check_fail(check, "q_gradient of a lone token is %g", gradients[0]->values[i]);
        }
    }
    if (!alone) {
        compare_score_gradient(check, shape, "q_gradient", gradients[0], expected.q, q_count);
        compare_score_gradient(check, shape, "k_gradient", gradients[1], expected.k, k_count);
    }
    check_compare(check, "v_gradient", gradients[2], expected.v, tolerance(shape));
}

static void backward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "attention_backward", shape)) {
        return;
    }
    uint32_t tokens = shape->tokens, q_columns = shape->heads * shape->head_dim,
             k_columns = shape->kv_heads * shape->head_dim;
    struct operands operands = make_operands(check, shape);
    struct check_tensor *out = check_input(check, shape->type, tokens, q_columns);
    struct check_tensor *log_sum = check_input(check, LW_F32, shape->heads, tokens);
    struct check_tensor *out_gradient = check_input(check, shape->type, tokens, q_columns);
    struct check_tensor *gradients[] = {check_output(check, shape->type, tokens, q_columns),
        check_output(check, shape->type, tokens, k_columns),
        check_output(check, shape->type, tokens, k_columns)};
    if (!check_is_bench(check)) {
        double *exact = check_doubles(check, (uint64_t)tokens * q_columns);
        double *exact_log_sum = check_doubles(check, (uint64_t)tokens * shape->heads);
        reference_attention_forward(&operands.reference, exact, exact_log_sum);
        set_all(out, exact, (uint64_t)tokens * q_columns);
        set_all(log_sum, exact_log_sum, (uint64_t)tokens * shape->heads);
    }
    operands.attention.out = out->tensor;
    operands.attention.log_sum = log_sum->tensor;
    struct lw_buffer delta = check_scratch(check, (uint64_t)shape->heads * tokens * 4);
    lw_attention_backward(
        check_stream(check), &(struct lw_attention_backward){.forward = operands.attention,
                                 .out_gradient = out_gradient->tensor,
                                 .q_gradient = gradients[0]->tensor,
                                 .k_gradient = gradients[1]->tensor,
                                 .v_gradient = gradients[2]->tensor,
                                 .delta = lw_tensor_of(&delta, LW_F32, shape->heads, tokens)});
    check_work(check, work(shape, 5), 0);
    if (check_run(check)) {
        compare_gradients(check, shape, &operands, gradients, out, out_gradient);
    }
    check_end(check);
}

// The query is the last token of `tokens`; the cache holds more rows, of NaNs.
static void decode_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "attention_decode", shape)) {
        return;
    }
    static uint32_t starts[MAX_TOKENS];
    uint32_t tokens = shape->tokens, capacity = tokens + 37, position = tokens - 1,
             q_columns = shape->heads * shape->head_dim,
             k_columns = shape->kv_heads * shape->head_dim;
    struct check_tensor_params q_params = {
        .type = shape->type, .rows = 1, .columns = q_columns, .scale = shape->spread};
    struct check_tensor *q = check_tensor(check, &q_params);
    struct check_tensor *k = check_input(check, shape->type, capacity, k_columns);
    struct check_tensor *v = check_input(check, shape->type, capacity, k_columns);
    struct check_tensor *place = check_words(check, &position, 1);
    struct check_tensor *out = check_output(check, shape->type, 1, q_columns);
    for (uint64_t i = (uint64_t)tokens * k_columns; i < (uint64_t)capacity * k_columns; i++) {
        check_set(k, i, NAN);
        check_set(v, i, NAN);
    }
    struct lw_attention_decode decode = {.capacity = capacity,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .window = shape->window,
        .scale = (float)(1 / sqrt(shape->head_dim)),
        .q = q->tensor,
        .k = k->tensor,
        .v = v->tensor,
        .out = out->tensor,
        .position_buffer = place->buffer};
    lw_attention_decode(check_stream(check), &decode);
    check_work(check, 4.0 * shape->heads * shape->head_dim * tokens,
        2.0 * tokens * k_columns * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        double *expected = check_doubles(check, q_columns);
        struct reference_attention reference = {.tokens = tokens,
            .heads = shape->heads,
            .kv_heads = shape->kv_heads,
            .head_dim = shape->head_dim,
            .window = shape->window,
            .scale = decode.scale,
            .segment_start = starts,
            .k = k->values,
            .v = v->values,
            .scratch = check_doubles(check, tokens)};
        // The only query has the last token's number.
        double *queries = check_doubles(check, (uint64_t)tokens * q_columns);
        memcpy(queries + (uint64_t)position * q_columns, q->values, q_columns * sizeof *queries);
        reference.q = queries;
        for (uint32_t head = 0; head < shape->heads; head++) {
            reference_attention_row(
                &reference, position, head, expected + (uint64_t)head * shape->head_dim);
        }
        check_compare(check, "out", out, expected, tolerance(shape));
    }
    check_end(check);
}

static struct shape random_shape(struct check *check, enum lw_type type)
{
    static const uint32_t head_dims[] = {64, 128, 16, 32, 80, 96, 24, 20, 256, 1, 7, 65};
    uint32_t kv_heads = 1 + check_random(check, 3), group = 1 + check_random(check, 8);
    struct shape shape = {.type = type,
        .tokens = check_size(check, 150),
        .heads = kv_heads * group,
        .kv_heads = kv_heads,
        .head_dim = head_dims[check_random(check, sizeof head_dims / sizeof *head_dims)],
        .window = check_random(check, 2) ? 0 : check_size(check, 100),
        .segment = check_random(check, 3) ? check_size(check, 60) : 0,
        .spread = check_random(check, 4) ? 1 : 40};
    return shape;
}

static void bench(struct check *check)
{
    static const uint32_t tokens[] = {256, 512, 2048};
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        for (unsigned i = 0; i < 6; i++) {
            struct shape shape = {.type = type,
                .tokens = tokens[i % 3],
                .heads = i < 3 ? 14 : 16,
                .kv_heads = i < 3 ? 2 : 8,
                .head_dim = i < 3 ? 64 : 128,
                .spread = 1};
            forward_case(check, &shape);
            backward_case(check, &shape);
            decode_case(check, &shape);
        }
    }
}

void check_attention(struct check *check)
{
    if (check_is_bench(check)) {
        bench(check);
        return;
    }
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        // Each shape is a kernel to compile, so these are fewer than asked for.
        for (unsigned i = 0; i < (check_cases(check) + 3) / 4; i++) {
            struct shape shape = random_shape(check, type);
            forward_case(check, &shape);
            shape = random_shape(check, type);
            backward_case(check, &shape);
            shape = random_shape(check, type);
            decode_case(check, &shape);
        }
    }
}
