// SPDX-License-Identifier: Apache-2.0
// The matrix products of a layer and of the head in the three layouts of training, as layer.c and
// head.c of engine/model make them: with bias, residual and accumulation.
#include <stdio.h>

#include "engine/bench/kernel_case.h"
#include "engine/model/family.h"
#include "engine/model/head.h"
#include "engine/ops/matmul.h"

// Y = X W^T with W [rows, columns].
struct weight {
    const char *name;
    uint32_t rows, columns;
    uint32_t tokens; // rows of X
    bool bias;
    bool residual; // Y is added to a tensor of its shape
    bool head;     // Y is fp32
};

struct layout_row {
    const char *name;
    enum lw_matmul_layout layout;
};
static const struct layout_row layouts[] = {
    {"forward", LW_MATMUL_NT}, {"dX", LW_MATMUL_NN}, {"dW", LW_MATMUL_TN}};

static void record(struct lw_stream *stream, const void *operation)
{
    lw_matmul(stream, operation);
}

static struct lw_matmul operands(
    struct lw_kernel_case *c, const struct weight *weight, enum lw_matmul_layout layout)
{
    uint32_t tokens = weight->tokens, rows = weight->rows, columns = weight->columns;
    struct lw_matmul product = {.layout = layout};
    switch (layout) {
    case LW_MATMUL_NT:
        product.a = lw_case_tensor(c, tokens, columns);
        product.b = lw_case_tensor(c, rows, columns);
        product.c = lw_case_tensor_of(c, weight->head ? LW_F32 : c->params->type, tokens, rows);
        product.bias = weight->bias ? lw_case_tensor(c, 1, rows) : (struct lw_tensor){0};
        product.add = weight->residual ? lw_case_tensor(c, tokens, rows) : (struct lw_tensor){0};
        break;
    case LW_MATMUL_NN:
        product.a = lw_case_tensor(c, tokens, rows);
        product.b = lw_case_tensor(c, rows, columns);
        product.c = lw_case_tensor(c, tokens, columns);
        break;
    case LW_MATMUL_TN:
        product.a = lw_case_tensor(c, tokens, rows);
        product.b = lw_case_tensor(c, tokens, columns);
        product.c = product.add = lw_case_tensor_of(c, LW_F32, rows, columns);
        break;
    }
    product.scratch = lw_case_buffer(c, lw_matmul_scratch(c->params->device, &product));
    return product;
}

static void product_case(
    struct lw_kernel_case *c, const struct weight *weight, const struct layout_row *layout)
{
    char name[64];
    snprintf(name, sizeof name, "product %s %s", weight->name, layout->name);
    if (!lw_case_begin(c, name, "%u x %u x %u", weight->tokens, weight->rows, weight->columns)) {
        return;
    }
    struct lw_matmul product = operands(c, weight, layout->layout);
    double bytes = (double)lw_tensor_span(&product.a) + (double)lw_tensor_span(&product.b) +
                   (double)lw_tensor_span(&product.c) + (double)lw_tensor_span(&product.add);
    c->failed =
        c->failed || !lw_matmul_tune(c->params->device, &product, 1, c->params->tune, c->error);
    lw_case_end(c, &(struct lw_case_work){.record = record,
                       .operation = &product,
                       .bytes = bytes,
                       .flops = 2.0 * weight->tokens * weight->rows * weight->columns,
                       .product = true});
}

void lw_bench_products(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, hidden = config->hidden_size;
    uint32_t inner = config->intermediate_size, heads = config->heads * config->head_dim;
    uint32_t qkv = heads + 2 * config->kv_heads * config->head_dim;
    const struct weight weights[] = {
        {"qkv", qkv, hidden, tokens, config->family->qkv_bias, false, false},
        {"attention", hidden, heads, tokens, false, true, false},
        {"gate_up", 2 * inner, hidden, tokens, false, false, false},
        {"down", hidden, inner, tokens, false, true, false},
        {"head", config->vocab_size, hidden, lw_head_chunk_rows(c->params->device, config, tokens),
            false, false, true},
    };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        for (size_t j = 0; j < sizeof layouts / sizeof *layouts; j++) {
            product_case(c, &weights[i], &layouts[j]);
        }
    }
}
