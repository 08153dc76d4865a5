// SPDX-License-Identifier: Apache-2.0
// Attention over the sequences of the batch, forward and backward. Useful operations are those of
// the pairs of query and key that the mask leaves: two products forward, five backward.
#include <math.h>

#include "engine/bench/kernel_case.h"
#include "engine/model/layer.h"
#include "engine/ops/attention.h"

static void record_forward(struct lw_stream *stream, const void *operation)
{
    lw_attention_forward(stream, operation);
}

static void record_backward(struct lw_stream *stream, const void *operation)
{
    lw_attention_backward(stream, operation);
}

// Pairs of a query and a key that it sees, of one head, over all sequences.
static double count_pairs(const struct lw_kernels_params *params)
{
    double pairs = 0;
    for (uint32_t first = 0; first < params->tokens; first += params->sequence) {
        uint32_t rest = params->tokens - first;
        double length = rest < params->sequence ? rest : params->sequence;
        double window = params->config->sliding_window;
        window = window > 0 && window < length ? window : length;
        pairs += window * (window + 1) / 2 + (length - window) * window;
    }
    return pairs;
}

// q, k and v are columns of one tensor, as in the model.
static struct lw_attention make_forward(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, columns = config->heads * config->head_dim;
    struct lw_tensor qkv =
        lw_case_tensor(c, tokens, columns + 2 * config->kv_heads * config->head_dim);
    return (struct lw_attention){.tokens = tokens,
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .window = config->sliding_window,
        .scale = 1 / sqrtf((float)config->head_dim),
        .q = lw_qkv_part(config, &qkv, LW_PART_Q),
        .k = lw_qkv_part(config, &qkv, LW_PART_K),
        .v = lw_qkv_part(config, &qkv, LW_PART_V),
        .out = lw_case_tensor(c, tokens, columns),
        .log_sum = lw_case_tensor_of(c, LW_F32, config->heads, tokens),
        .segment_start = c->inputs->segment_start,
        .segment_end = c->inputs->segment_end,
        .scratch = lw_case_buffer(c, lw_attention_scratch(c->params->device, qkv.type))};
}

static bool begin(struct lw_kernel_case *c, const char *name)
{
    const struct lw_kernels_params *params = c->params;
    const struct lw_config *config = params->config;
    return lw_case_begin(c, name, "%u tokens by %u, %u/%u heads of %u", params->tokens,
        params->sequence, config->heads, config->kv_heads, config->head_dim);
}

static double pair_flops(const struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    return 2 * count_pairs(c->params) * config->heads * config->head_dim;
}

static void forward_case(struct lw_kernel_case *c)
{
    if (!begin(c, "attention forward")) {
        return;
    }
    struct lw_attention forward = make_forward(c);
    const struct lw_config *config = c->params->config;
    double elements = 2.0 * (config->heads + config->kv_heads) * config->head_dim;
    lw_case_end(c, &(struct lw_case_work){.record = record_forward,
                       .operation = &forward,
                       .bytes = elements * forward.tokens * (double)lw_type_size(forward.q.type),
                       .flops = 2 * pair_flops(c),
                       .product = true});
}

static void backward_case(struct lw_kernel_case *c)
{
    if (!begin(c, "attention backward")) {
        return;
    }
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, columns = config->heads * config->head_dim;
    struct lw_attention_backward backward = {.forward = make_forward(c)};
    struct lw_tensor gradient =
        lw_case_tensor(c, tokens, columns + 2 * config->kv_heads * config->head_dim);
    backward.out_gradient = lw_case_tensor(c, tokens, columns);
    backward.q_gradient = lw_qkv_part(config, &gradient, LW_PART_Q);
    backward.k_gradient = lw_qkv_part(config, &gradient, LW_PART_K);
    backward.v_gradient = lw_qkv_part(config, &gradient, LW_PART_V);
    backward.delta = lw_case_tensor_of(c, LW_F32, config->heads, tokens);
    if (!c->failed) {
        lw_attention_forward(c->fill, &backward.forward); // for out and log_sum
    }
    double elements = 4.0 * (config->heads + config->kv_heads) * config->head_dim;
    lw_case_end(c, &(struct lw_case_work){.record = record_backward,
                       .operation = &backward,
                       .bytes = elements * tokens * (double)lw_type_size(c->params->type),
                       .flops = 5 * pair_flops(c),
                       .product = true});
}

void lw_bench_attention(struct lw_kernel_case *c)
{
    forward_case(c);
    backward_case(c);
}
