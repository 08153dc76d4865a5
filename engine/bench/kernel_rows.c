// SPDX-License-Identifier: Apache-2.0
// The operations over rows of activations: norms, rotation, gate, and the sums for biases. Where the
// model works in place the results go elsewhere here, so that runs in a row see the same numbers.
#include "engine/bench/kernel_case.h"
#include "engine/model/family.h"
#include "engine/model/layer.h"
#include "engine/ops/mlp.h"
#include "engine/ops/norm.h"
#include "engine/ops/qk_norm.h"
#include "engine/ops/rope.h"

static double element(const struct lw_kernel_case *c)
{
    return (double)lw_type_size(c->params->type);
}

static void record_norm(struct lw_stream *stream, const void *operation)
{
    lw_rms_norm(stream, operation);
}

static void record_norm_backward(struct lw_stream *stream, const void *operation)
{
    lw_rms_norm_backward(stream, operation);
}

static struct lw_rms_norm make_norm(struct lw_kernel_case *c, uint32_t rows, uint32_t columns)
{
    return (struct lw_rms_norm){.x = lw_case_tensor(c, rows, columns),
        .y = lw_case_tensor(c, rows, columns),
        .weight = lw_case_tensor(c, 1, columns),
        .inverse = lw_case_tensor_of(c, LW_F32, 1, rows),
        .epsilon = c->params->config->rms_norm_eps};
}

static void norm_case(struct lw_kernel_case *c)
{
    uint32_t rows = c->params->tokens, columns = c->params->config->hidden_size;
    if (!lw_case_begin(c, "rms_norm", "%u x %u", rows, columns)) {
        return;
    }
    struct lw_rms_norm norm = make_norm(c, rows, columns);
    double count = (double)rows * columns;
    lw_case_end(c, &(struct lw_case_work){.record = record_norm,
                       .operation = &norm,
                       .bytes = 2 * count * element(c),
                       .flops = 4 * count});
}

static void norm_backward_case(struct lw_kernel_case *c)
{
    uint32_t rows = c->params->tokens, columns = c->params->config->hidden_size;
    if (!lw_case_begin(c, "rms_norm backward", "%u x %u", rows, columns)) {
        return;
    }
    struct lw_rms_norm norm = make_norm(c, rows, columns);
    if (!c->failed) {
        lw_rms_norm(c->fill, &norm); // for the inverse
    }
    struct lw_rms_norm_backward backward = {.x = norm.x,
        .weight = norm.weight,
        .inverse = norm.inverse,
        .y_gradient = lw_case_tensor(c, rows, columns),
        .add = lw_case_tensor(c, rows, columns),
        .x_gradient = norm.y,
        .weight_gradient = lw_case_tensor_of(c, LW_F32, 1, columns),
        .scratch = lw_case_buffer(c, lw_rms_norm_scratch(rows, columns))};
    double count = (double)rows * columns;
    lw_case_end(c, &(struct lw_case_work){.record = record_norm_backward,
                       .operation = &backward,
                       .bytes = 4 * count * element(c),
                       .flops = 10 * count});
}

struct sum_rows {
    struct lw_tensor x, sums;
    struct lw_buffer scratch;
};

static void record_sum_rows(struct lw_stream *stream, const void *operation)
{
    const struct sum_rows *sum = operation;
    lw_sum_rows(stream, &sum->x, &sum->sums, &sum->scratch);
}

static void sum_rows_case(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t rows = c->params->tokens;
    uint32_t columns = (config->heads + 2 * config->kv_heads) * config->head_dim;
    if (!config->family->qkv_bias ||
        !lw_case_begin(c, "sum_rows (bias gradient)", "%u x %u", rows, columns)) {
        return;
    }
    struct sum_rows sum = {lw_case_tensor(c, rows, columns),
        lw_case_tensor_of(c, LW_F32, 1, columns),
        lw_case_buffer(c, lw_rms_norm_scratch(rows, columns))};
    double count = (double)rows * columns;
    lw_case_end(c, &(struct lw_case_work){.record = record_sum_rows,
                       .operation = &sum,
                       .bytes = count * element(c),
                       .flops = count});
}

static void record_rope(struct lw_stream *stream, const void *operation)
{
    lw_rope(stream, operation);
}

static struct lw_buffer frequencies(struct lw_kernel_case *c)
{
    struct lw_buffer table = {0};
    c->failed = c->failed || !lw_layer_rotary_table(
                                 c->params->device, c->arena, c->params->config, &table, c->error);
    return table;
}

static void rope_case(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, heads = config->heads + config->kv_heads;
    if (config->family->qk_norm ||
        !lw_case_begin(c, "rope", "%u tokens, %u heads of %u", tokens, heads, config->head_dim)) {
        return;
    }
    struct lw_rope rope = {.x = lw_case_tensor(c, tokens, heads * config->head_dim),
        .heads = heads,
        .head_dim = config->head_dim,
        .rotated = config->rotary.columns,
        .scale = 1,
        .positions = c->inputs->positions,
        .frequency_rows = c->inputs->rotary_row,
        .inverse_frequency = frequencies(c)};
    double turned = (double)tokens * heads * config->rotary.columns;
    lw_case_end(c, &(struct lw_case_work){.record = record_rope,
                       .operation = &rope,
                       .bytes = 2 * turned * element(c),
                       .flops = 3 * turned});
}

static void record_qk_norm(struct lw_stream *stream, const void *operation)
{
    lw_qk_norm(stream, operation);
}

static void record_qk_norm_backward(struct lw_stream *stream, const void *operation)
{
    lw_qk_norm_backward(stream, operation);
}

static struct lw_qk_norm make_qk_norm(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens;
    uint32_t columns = (config->heads + config->kv_heads) * config->head_dim;
    return (struct lw_qk_norm){.x = lw_case_tensor(c, tokens, columns),
        .y = lw_case_tensor(c, tokens, columns),
        .q_weight = lw_case_tensor(c, 1, config->head_dim),
        .k_weight = lw_case_tensor(c, 1, config->head_dim),
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .epsilon = config->rms_norm_eps,
        .scale = 1,
        .positions = c->inputs->positions,
        .inverse_frequency = frequencies(c)};
}

static void qk_norm_case(struct lw_kernel_case *c, bool backward)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens;
    double count = (double)tokens * (config->heads + config->kv_heads) * config->head_dim;
    if (!config->family->qk_norm ||
        !lw_case_begin(c, backward ? "qk_norm backward" : "qk_norm", "%u tokens, %u/%u heads of %u",
            tokens, config->heads, config->kv_heads, config->head_dim)) {
        return;
    }
    struct lw_qk_norm forward = make_qk_norm(c);
    if (!backward) {
        lw_case_end(c, &(struct lw_case_work){.record = record_qk_norm,
                           .operation = &forward,
                           .bytes = 2 * count * element(c),
                           .flops = 7 * count});
        return;
    }
    struct lw_qk_norm_backward gradient = {.forward = forward,
        .y_gradient = lw_case_tensor(c, tokens, forward.x.columns),
        .x_gradient = forward.y,
        .q_weight_gradient = lw_case_tensor_of(c, LW_F32, 1, config->head_dim),
        .k_weight_gradient = lw_case_tensor_of(c, LW_F32, 1, config->head_dim),
        .scratch = lw_case_buffer(c, lw_qk_norm_scratch(c->params->device, &forward))};
    lw_case_end(c, &(struct lw_case_work){.record = record_qk_norm_backward,
                       .operation = &gradient,
                       .bytes = 3 * count * element(c),
                       .flops = 17 * count});
}

struct swiglu {
    struct lw_tensor gate_up, y, gradient;
};

static void record_swiglu(struct lw_stream *stream, const void *operation)
{
    const struct swiglu *swiglu = operation;
    lw_swiglu(stream, &swiglu->gate_up, &swiglu->y);
}

static void record_swiglu_backward(struct lw_stream *stream, const void *operation)
{
    const struct swiglu *swiglu = operation;
    lw_swiglu_backward(stream, &swiglu->gate_up, &swiglu->y, &swiglu->gradient);
}

static void swiglu_case(struct lw_kernel_case *c, bool backward)
{
    uint32_t rows = c->params->tokens, columns = c->params->config->intermediate_size;
    if (!lw_case_begin(c, backward ? "swiglu backward" : "swiglu", "%u x %u", rows, columns)) {
        return;
    }
    struct swiglu swiglu = {
        .gate_up = lw_case_tensor(c, rows, 2 * columns), .y = lw_case_tensor(c, rows, columns)};
    if (backward) {
        swiglu.gradient = lw_case_tensor(c, rows, 2 * columns);
    }
    double count = (double)rows * columns;
    lw_case_end(
        c, &(struct lw_case_work){.record = backward ? record_swiglu_backward : record_swiglu,
               .operation = &swiglu,
               .bytes = (backward ? 5 : 3) * count * element(c),
               .flops = (backward ? 10 : 5) * count});
}

void lw_bench_rows(struct lw_kernel_case *c)
{
    norm_case(c);
    norm_backward_case(c);
    sum_rows_case(c);
    rope_case(c);
    qk_norm_case(c, false);
    qk_norm_case(c, true);
    swiglu_case(c, false);
    swiglu_case(c, true);
}
