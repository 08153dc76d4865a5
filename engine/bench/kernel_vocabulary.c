// SPDX-License-Identifier: Apache-2.0
// What runs once a step and not once a layer: embedding, loss, and the update of the weights.
#include "engine/bench/kernel_case.h"
#include "engine/gpu/transfer.h"
#include "engine/model/head.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"
#include "engine/ops/optimizer.h"

// Weights that the update is measured over, at most: enough for any cache.
#define UPDATE_WEIGHTS ((uint64_t)1 << 26)

struct embedding {
    struct lw_tensor table, y;
    struct lw_buffer ids;
};

static void record_embedding(struct lw_stream *stream, const void *operation)
{
    const struct embedding *embedding = operation;
    lw_embedding(stream, &embedding->table, &embedding->ids, &embedding->y);
}

static void record_embedding_backward(struct lw_stream *stream, const void *operation)
{
    lw_embedding_backward(stream, operation);
}

static void embedding_case(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, hidden = config->hidden_size;
    if (!lw_case_begin(c, "embedding", "%u of %u x %u", tokens, config->vocab_size, hidden)) {
        return;
    }
    struct embedding embedding = {lw_case_tensor(c, config->vocab_size, hidden),
        lw_case_tensor(c, tokens, hidden), c->inputs->tokens};
    lw_case_end(c, &(struct lw_case_work){.record = record_embedding,
                       .operation = &embedding,
                       .bytes = 2 * (double)lw_tensor_span(&embedding.y)});
}

static void embedding_backward_case(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t tokens = c->params->tokens, hidden = config->hidden_size;
    if (!lw_case_begin(
            c, "embedding backward", "%u of %u x %u", tokens, config->vocab_size, hidden)) {
        return;
    }
    struct lw_embedding_backward backward = {
        .table_gradient = lw_case_tensor_of(c, LW_F32, config->vocab_size, hidden),
        .y_gradient = lw_case_tensor(c, tokens, hidden),
        .ids = c->inputs->tokens,
        .order = c->inputs->order,
        .group_start = c->inputs->group_start,
        .group_count = c->inputs->group_count};
    double count = (double)tokens * hidden;
    lw_case_end(c, &(struct lw_case_work){.record = record_embedding_backward,
                       .operation = &backward,
                       .bytes = count * 8 + (double)lw_tensor_span(&backward.y_gradient),
                       .flops = count});
}

static void record_cross_entropy(struct lw_stream *stream, const void *operation)
{
    lw_cross_entropy(stream, operation);
}

// A chunk of the head's, with the gradient; in fp32 that takes the logits' place.
static void cross_entropy_case(struct lw_kernel_case *c)
{
    const struct lw_config *config = c->params->config;
    uint32_t rows = lw_head_chunk_rows(c->params->device, config, c->params->tokens),
             columns = config->vocab_size;
    if (!lw_case_begin(c, "cross_entropy", "%u x %u", rows, columns)) {
        return;
    }
    bool in_place = c->params->type == LW_F32;
    struct lw_tensor logits = lw_case_tensor_of(c, LW_F32, rows, columns);
    struct lw_cross_entropy loss = {.logits = logits,
        .gradient = in_place ? logits : lw_case_tensor(c, rows, columns),
        .targets = c->inputs->targets,
        .row_count = c->inputs->row_count,
        .losses = lw_case_numbers(c, rows, 1),
        .loss_scale = c->inputs->loss_scale};
    double count = (double)rows * columns;
    lw_case_end(c, &(struct lw_case_work){.record = record_cross_entropy,
                       .operation = &loss,
                       .bytes = count * (4 + (double)lw_type_size(c->params->type)),
                       .flops = 6 * count});
}

// About as many as the model has.
static uint64_t update_count(const struct lw_config *config)
{
    double layer = (double)config->hidden_size *
                   (3.0 * config->intermediate_size + 2.0 * config->heads * config->head_dim);
    double all = layer * config->layers + (double)config->vocab_size * config->hidden_size;
    return all < (double)UPDATE_WEIGHTS ? (uint64_t)all : UPDATE_WEIGHTS;
}

// A step's state as it is in the middle of a training.
static struct lw_buffer optimizer_state(struct lw_kernel_case *c)
{
    const struct lw_optimizer_state state = {.learning_rate = 1e-5f,
        .beta1_correction = 1,
        .beta2_correction = 0.5f,
        .max_grad_norm = 1};
    struct lw_buffer buffer = lw_case_buffer(c, sizeof state);
    c->failed =
        c->failed || !lw_upload(c->params->device, &buffer, 0, &state, sizeof state, c->error);
    return buffer;
}

static struct lw_buffer zeros(struct lw_kernel_case *c, uint64_t count)
{
    struct lw_buffer buffer = lw_case_buffer(c, count * sizeof(float));
    if (!c->failed) {
        lw_stream_fill(c->fill, &buffer, 0);
    }
    return buffer;
}

static void record_adamw(struct lw_stream *stream, const void *operation)
{
    lw_adamw(stream, operation);
}

static void adamw_case(struct lw_kernel_case *c)
{
    uint64_t count = update_count(c->params->config);
    if (!lw_case_begin(c, "adamw", "%llu weights", (unsigned long long)count)) {
        return;
    }
    bool copy = c->params->type != LW_F32;
    const struct lw_adamw_range range = {.count = count,
        .weight_decay = 0.01,
        .master = lw_case_numbers(c, count, 1),
        .weights = copy ? lw_case_buffer(c, count * 2) : (struct lw_buffer){0},
        .gradient = lw_case_numbers(c, count, 1),
        .first_moment = lw_case_numbers(c, count, 1),
        .second_moment = zeros(c, count)};
    struct lw_adamw adamw = {.ranges = &range,
        .range_count = 1,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .rows = lw_case_buffer(c, lw_adamw_size(1)),
        .state = optimizer_state(c),
        .grad_norm = zeros(c, 1)};
    uint64_t rows[LW_ADAMW_ROW_BYTES / sizeof(uint64_t)];
    lw_adamw_rows(&adamw, rows);
    c->failed = c->failed ||
                !lw_upload(c->params->device, &adamw.rows, 0, rows, lw_adamw_size(1), c->error);
    lw_case_end(c, &(struct lw_case_work){.record = record_adamw,
                       .operation = &adamw,
                       .bytes = (double)count * (copy ? 34 : 32),
                       .flops = 16 * (double)count});
}

struct squared_norm {
    struct lw_buffer values, partials, norm;
    uint64_t count;
};

static void record_squared_norm(struct lw_stream *stream, const void *operation)
{
    const struct squared_norm *norm = operation;
    lw_squared_norm(stream, &norm->values, norm->count, &norm->partials);
    lw_norm_finish(stream, &norm->partials, lw_squared_norm_partials(norm->count), &norm->norm);
}

static void squared_norm_case(struct lw_kernel_case *c)
{
    uint64_t count = update_count(c->params->config);
    if (!lw_case_begin(c, "gradient norm", "%llu weights", (unsigned long long)count)) {
        return;
    }
    struct squared_norm norm = {.values = lw_case_numbers(c, count, 1),
        .partials = lw_case_buffer(c, lw_squared_norm_partials(count) * sizeof(float)),
        .norm = lw_case_buffer(c, sizeof(float)),
        .count = count};
    lw_case_end(c, &(struct lw_case_work){.record = record_squared_norm,
                       .operation = &norm,
                       .bytes = 4 * (double)count,
                       .flops = 2 * (double)count});
}

void lw_bench_vocabulary(struct lw_kernel_case *c)
{
    embedding_case(c);
    embedding_backward_case(c);
    cross_entropy_case(c);
    adamw_case(c);
    squared_norm_case(c);
}
