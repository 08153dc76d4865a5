// SPDX-License-Identifier: Apache-2.0
// Head and loss by chunks. See head.h.
#include "engine/model/head.h"

#include "engine/base/alloc.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"

// The logits of a chunk take four bytes each and their gradients as much again at most. A GPU reads
// the head's weights and reads and writes their gradients once a chunk, which must not cost more
// time than its arithmetic; a CPU's caches hold little.
uint32_t lw_head_chunk_rows(
    const struct lw_device *device, const struct lw_config *config, uint32_t tokens)
{
    bool cpu = lw_device_caps(device)->kind == LW_DEVICE_CPU;
    uint32_t rows = ((uint32_t)1 << (cpu ? 25 : 27)) / config->vocab_size / 32 * 32;
    rows = rows < 32 ? 32 : rows > 1024 ? 1024 : rows;
    return rows < tokens ? rows : tokens;
}

static uint32_t chunks_of(uint32_t rows, uint32_t chunk_rows)
{
    return (rows + chunk_rows - 1) / chunk_rows;
}

static struct lw_tensor shape(uint32_t rows, uint32_t columns, enum lw_type type)
{
    return (struct lw_tensor){1, rows, columns, columns, type};
}

// The three products of a chunk.
static struct lw_matmul logits_product(const struct lw_tensor *gathered,
    const struct lw_tensor *weight, const struct lw_tensor *logits)
{
    return (struct lw_matmul){.layout = LW_MATMUL_NT, .a = *gathered, .b = *weight, .c = *logits};
}

static struct lw_matmul weight_product(const struct lw_tensor *logits_gradient,
    const struct lw_tensor *gathered, const struct lw_tensor *weight_gradient)
{
    return (struct lw_matmul){.layout = LW_MATMUL_TN,
        .a = *logits_gradient,
        .b = *gathered,
        .c = *weight_gradient,
        .add = *weight_gradient};
}

static struct lw_matmul hidden_product(const struct lw_tensor *logits_gradient,
    const struct lw_tensor *weight, const struct lw_tensor *gathered_gradient)
{
    return (struct lw_matmul){
        .layout = LW_MATMUL_NN, .a = *logits_gradient, .b = *weight, .c = *gathered_gradient};
}

size_t lw_head_products(const struct lw_config *config, enum lw_type type, uint32_t chunk_rows,
    bool backward, struct lw_matmul products[LW_HEAD_PRODUCTS])
{
    struct lw_tensor gathered = shape(chunk_rows, config->hidden_size, type);
    struct lw_tensor weight = shape(config->vocab_size, config->hidden_size, type);
    struct lw_tensor weight_gradient = shape(config->vocab_size, config->hidden_size, LW_F32);
    struct lw_tensor logits = shape(chunk_rows, config->vocab_size, LW_F32);
    struct lw_tensor logits_gradient = shape(chunk_rows, config->vocab_size, type);
    products[0] = logits_product(&gathered, &weight, &logits);
    products[1] = weight_product(&logits_gradient, &gathered, &weight_gradient);
    products[2] = hidden_product(&logits_gradient, &weight, &gathered);
    return backward ? 3 : 1;
}

static uint64_t scratch_size(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t chunk_rows, bool backward)
{
    struct lw_matmul products[LW_HEAD_PRODUCTS];
    size_t count = lw_head_products(config, type, chunk_rows, backward, products);
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t needed = lw_matmul_scratch(device, &products[i]);
        size = needed > size ? needed : size;
    }
    return size;
}

uint64_t lw_head_size(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t tokens, uint32_t chunk_rows, bool backward)
{
    uint64_t element = lw_type_size(type);
    uint64_t gathered = (uint64_t)chunk_rows * config->hidden_size * element;
    uint64_t logits = (uint64_t)chunk_rows * config->vocab_size;
    uint64_t losses = (uint64_t)chunks_of(tokens, chunk_rows) * chunk_rows * 4;
    return gathered * (backward ? 2 : 1) + logits * 4 +
           (backward && type != LW_F32 ? logits * element : 0) + losses +
           scratch_size(device, config, type, chunk_rows, backward) + 6 * 256;
}

static bool allocate_tensor(struct lw_arena *arena, struct lw_tensor *tensor, uint32_t rows,
    uint32_t columns, enum lw_type type, struct lw_error *error)
{
    struct lw_buffer buffer;
    uint64_t size = (uint64_t)rows * columns * lw_type_size(type);
    if (!lw_arena_allocate(arena, size, &buffer, error)) {
        return false;
    }
    *tensor = lw_tensor_of(&buffer, type, rows, columns);
    return true;
}

static bool allocate(struct lw_head *head, struct lw_device *device, struct lw_error *error)
{
    const struct lw_head_params *params = &head->params;
    const struct lw_config *config = params->config;
    enum lw_type type = params->weights->type;
    bool backward = params->gradients != NULL;
    uint32_t rows = params->chunk_rows, tokens = params->hidden.rows;
    struct lw_arena_params arena = {.name = "head and loss",
        .expected = lw_head_size(device, config, type, tokens, rows, backward)};
    head->chunk_count = chunks_of(tokens, rows);
    if (!lw_arena_create(&head->arena, device, &arena, error) ||
        !allocate_tensor(head->arena, &head->gathered, rows, config->hidden_size, type, error) ||
        !allocate_tensor(head->arena, &head->logits, rows, config->vocab_size, LW_F32, error) ||
        !lw_arena_allocate(
            head->arena, (uint64_t)head->chunk_count * rows * 4, &head->losses, error) ||
        !lw_arena_allocate(head->arena, scratch_size(device, config, type, rows, backward),
            &head->scratch, error)) {
        return false;
    }
    head->logits_gradient = head->logits;
    return !backward || (allocate_tensor(head->arena, &head->gathered_gradient, rows,
                             config->hidden_size, type, error) &&
                            (type == LW_F32 || allocate_tensor(head->arena, &head->logits_gradient,
                                                   rows, config->vocab_size, type, error)));
}

static struct lw_tensor head_tensor(const struct lw_head *head, const struct lw_store *store)
{
    enum lw_slot slot = head->params.config->tied ? LW_SLOT_EMBEDDING : LW_SLOT_HEAD;
    return lw_store_tensor(store, 0, slot);
}

static void record_product(
    const struct lw_head *head, struct lw_stream *stream, struct lw_matmul product)
{
    product.scratch = head->scratch;
    lw_matmul(stream, &product);
}

static void record_chunk(
    const struct lw_head *head, struct lw_stream *stream, uint32_t first_row, bool backward)
{
    const struct lw_head_params *params = &head->params;
    const struct lw_inputs *inputs = params->inputs;
    struct lw_tensor weight = head_tensor(head, params->weights);
    lw_gather_rows(stream, &params->hidden, &inputs->trained_rows, &inputs->row_count, first_row,
        &head->gathered);
    record_product(head, stream, logits_product(&head->gathered, &weight, &head->logits));
    lw_cross_entropy(
        stream, &(struct lw_cross_entropy){.logits = head->logits,
                    .gradient = backward ? head->logits_gradient : (struct lw_tensor){0},
                    .targets = inputs->targets,
                    .row_count = inputs->row_count,
                    .first_row = first_row,
                    .losses = head->losses,
                    .loss_scale = inputs->loss_scale});
    if (!backward) {
        return;
    }
    struct lw_tensor weight_gradient = head_tensor(head, params->gradients);
    record_product(
        head, stream, weight_product(&head->logits_gradient, &head->gathered, &weight_gradient));
    record_product(
        head, stream, hidden_product(&head->logits_gradient, &weight, &head->gathered_gradient));
    lw_scatter_rows(stream, &head->gathered_gradient, &inputs->trained_rows, &inputs->row_count,
        first_row, &params->hidden_gradient);
}

static bool record_chunks(const struct lw_head *head, struct lw_device *device,
    struct lw_stream **chunks, bool backward, struct lw_error *error)
{
    for (uint32_t i = 0; i < head->chunk_count; i++) {
        if (!lw_stream_create(&chunks[i], device, "head and loss", error)) {
            return false;
        }
        record_chunk(head, chunks[i], i * head->params.chunk_rows, backward);
        if (!lw_stream_end(chunks[i], error)) {
            return false;
        }
    }
    return true;
}

bool lw_head_create(struct lw_head **out, struct lw_device *device,
    const struct lw_head_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_head *head = lw_calloc(1, sizeof *head, error);
    if (!head) {
        return false;
    }
    head->params = *params;
    bool made = allocate(head, device, error);
    if (made) {
        head->loss_chunks = lw_calloc(head->chunk_count, sizeof *head->loss_chunks, error);
        made = head->loss_chunks && record_chunks(head, device, head->loss_chunks, false, error);
    }
    if (made && params->gradients) {
        head->gradient_chunks = lw_calloc(head->chunk_count, sizeof *head->gradient_chunks, error);
        made = head->gradient_chunks &&
               record_chunks(head, device, head->gradient_chunks, true, error);
    }
    if (!made) {
        lw_head_destroy(head);
        return false;
    }
    *out = head;
    return true;
}

void lw_head_destroy(struct lw_head *head)
{
    if (!head) {
        return;
    }
    for (uint32_t i = 0; i < head->chunk_count; i++) {
        lw_stream_destroy(head->loss_chunks ? head->loss_chunks[i] : NULL);
        lw_stream_destroy(head->gradient_chunks ? head->gradient_chunks[i] : NULL);
    }
    lw_arena_destroy(head->arena);
    lw_free(head->loss_chunks);
    lw_free(head->gradient_chunks);
    lw_free(head);
}

bool lw_head_submit(
    const struct lw_head *head, uint32_t trained, bool backward, struct lw_error *error)
{
    struct lw_stream **chunks = backward ? head->gradient_chunks : head->loss_chunks;
    for (uint32_t i = 0; i < chunks_of(trained, head->params.chunk_rows); i++) {
        if (!lw_stream_submit(chunks[i], NULL, error)) {
            return false;
        }
    }
    return true;
}
