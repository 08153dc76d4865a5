// SPDX-License-Identifier: Apache-2.0
// Reads a prompt in one forward pass, then one token at a time against the cache. See generate.h.
#include "engine/model/generate.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/transfer.h"
#include "engine/model/layer.h"
#include "engine/ops/attention.h"
#include "engine/ops/embedding.h"
#include "engine/ops/matmul.h"
#include "engine/ops/norm.h"

// Everything that a forward pass over `tokens` new tokens needs.
struct pass {
    uint32_t tokens;
    struct lw_arena *arena;
    struct lw_activations *activations;
    struct lw_buffer ids, positions, segment_start, segment_end, rotary_row; // [tokens]
    struct lw_buffer count;                                                  // one uint32: tokens
    struct lw_layer_context context;
    struct lw_stream *stream;
};

struct lw_generator {
    struct lw_device *device;
    const struct lw_config *config;
    const struct lw_store *weights;
    uint32_t capacity, length;
    uint32_t *ids;       // [capacity]: the tokens so far
    uint32_t rotary_row; // by which the keys in the cache are rotated
    struct lw_arena *arena;
    struct lw_tensor *keys, *values;    // [layers], each [capacity, kv_heads * head_dim]
    struct lw_buffer inverse_frequency; // the rotary table
    struct lw_buffer logits;            // [vocab_size] fp32
    struct pass step;                   // of one token, recorded once
};

static bool allocate_pass(struct lw_generator *generator, struct pass *pass, struct lw_error *error)
{
    struct lw_device *device = generator->device;
    enum lw_type type = generator->weights->type;
    uint64_t scratch = lw_layer_scratch(device, generator->config, type, pass->tokens, false);
    struct lw_tensor row = {
        1, 1, generator->config->hidden_size, generator->config->hidden_size, type};
    struct lw_tensor head = {1, generator->config->vocab_size, row.columns, row.columns, type};
    struct lw_tensor logits = {1, 1, head.rows, head.rows, LW_F32};
    uint64_t head_scratch = lw_matmul_scratch(
        device, &(struct lw_matmul){.layout = LW_MATMUL_NT, .a = row, .b = head, .c = logits});
    scratch = scratch > head_scratch ? scratch : head_scratch;
    uint64_t list = (uint64_t)pass->tokens * sizeof(uint32_t);
    const struct lw_arena_params arena = {
        .name = "generation", .expected = scratch + 5 * list + 4096};
    const struct lw_activations_params activations = {
        .config = generator->config, .tokens = pass->tokens, .type = type, .keep = LW_KEEP_NOTHING};
    struct lw_layer_context *context = &pass->context;
    *context = (struct lw_layer_context){.config = generator->config,
        .weights = generator->weights,
        .inverse_frequency = generator->inverse_frequency,
        .tokens = pass->tokens};
    if (!lw_arena_create(&pass->arena, device, &arena, error) ||
        !lw_arena_allocate(pass->arena, scratch, &context->scratch, error) ||
        !lw_arena_allocate(pass->arena, list, &pass->ids, error) ||
        !lw_arena_allocate(pass->arena, list, &pass->positions, error) ||
        !lw_arena_allocate(pass->arena, list, &pass->segment_start, error) ||
        !lw_arena_allocate(pass->arena, list, &pass->segment_end, error) ||
        !lw_arena_allocate(pass->arena, list, &pass->rotary_row, error) ||
        !lw_arena_allocate(pass->arena, sizeof(uint32_t), &pass->count, error) ||
        !lw_activations_create(&pass->activations, device, &activations, error)) {
        return false;
    }
    context->positions = pass->positions;
    context->segment_start = pass->segment_start;
    context->segment_end = pass->segment_end;
    context->rotary_row = pass->rotary_row;
    return lw_upload(device, &pass->count, 0, &pass->tokens, sizeof pass->tokens, error);
}

static void free_pass(struct pass *pass)
{
    lw_stream_destroy(pass->stream);
    lw_activations_destroy(pass->activations);
    lw_arena_destroy(pass->arena);
    *pass = (struct pass){0};
}

// The new keys and values go to their positions in the cache.
static void record_cache(const struct lw_generator *generator, const struct pass *pass,
    uint32_t layer, const struct lw_layer_values *values)
{
    struct lw_tensor k = lw_qkv_part(generator->config, &values->rotated, LW_PART_K);
    struct lw_tensor v = lw_qkv_part(generator->config, &values->qkv, LW_PART_V);
    lw_scatter_rows(pass->stream, &k, &pass->positions, &pass->count, 0, &generator->keys[layer]);
    lw_scatter_rows(pass->stream, &v, &pass->positions, &pass->count, 0, &generator->values[layer]);
}

// A prompt's queries see only the prompt; a single new query sees the cache.
static void record_attention(const struct lw_generator *generator, const struct pass *pass,
    uint32_t layer, const struct lw_layer_values *values)
{
    const struct lw_config *config = generator->config;
    if (pass != &generator->step) {
        lw_layer_attend(pass->stream, &pass->context, values);
        return;
    }
    lw_attention_decode(pass->stream, &(struct lw_attention_decode){.capacity = generator->capacity,
                                          .heads = config->heads,
                                          .kv_heads = config->kv_heads,
                                          .head_dim = config->head_dim,
                                          .window = config->sliding_window,
                                          .scale = 1 / sqrtf((float)config->head_dim),
                                          .q = lw_qkv_part(config, &values->rotated, LW_PART_Q),
                                          .k = generator->keys[layer],
                                          .v = generator->values[layer],
                                          .out = values->attended,
                                          .position_buffer = pass->positions});
}

static void record_logits(const struct lw_generator *generator, const struct pass *pass)
{
    const struct lw_activations *activations = pass->activations;
    const struct lw_config *config = generator->config;
    uint32_t last = pass->tokens - 1;
    struct lw_tensor normed =
        lw_tensor_part(&activations->output_normed, last, 1, 0, config->hidden_size);
    lw_rms_norm(pass->stream,
        &(struct lw_rms_norm){
            .x = lw_tensor_part(&activations->output, last, 1, 0, config->hidden_size),
            .y = normed,
            .weight = lw_store_tensor(generator->weights, 0, LW_SLOT_FINAL_NORM),
            .inverse = lw_tensor_part(&activations->output_inverse, 0, 1, last, 1),
            .epsilon = config->rms_norm_eps});
    lw_matmul(
        pass->stream, &(struct lw_matmul){.layout = LW_MATMUL_NT,
                          .a = normed,
                          .b = lw_store_tensor(generator->weights, 0,
                              config->tied ? LW_SLOT_EMBEDDING : LW_SLOT_HEAD),
                          .c = lw_tensor_of(&generator->logits, LW_F32, 1, config->vocab_size),
                          .scratch = pass->context.scratch});
}

static bool record_pass(
    const struct lw_generator *generator, struct pass *pass, struct lw_error *error)
{
    if (!lw_stream_create(&pass->stream, generator->device, "generation", error)) {
        return false;
    }
    const struct lw_activations *activations = pass->activations;
    struct lw_tensor table = lw_store_tensor(generator->weights, 0, LW_SLOT_EMBEDDING);
    lw_embedding(pass->stream, &table, &pass->ids, &activations->layers[0].input);
    for (uint32_t layer = 0; layer < generator->config->layers; layer++) {
        const struct lw_layer_values *values = &activations->layers[layer];
        bool more = layer + 1 < generator->config->layers;
        lw_layer_project(pass->stream, &pass->context, layer, values);
        record_cache(generator, pass, layer, values);
        record_attention(generator, pass, layer, values);
        lw_layer_finish(pass->stream, &pass->context, layer, values,
            more ? &activations->layers[layer + 1].input : &activations->output);
    }
    record_logits(generator, pass);
    return lw_stream_end(pass->stream, error);
}

static bool allocate_cache(struct lw_generator *generator, struct lw_error *error)
{
    const struct lw_config *config = generator->config;
    uint32_t columns = config->kv_heads * config->head_dim;
    enum lw_type type = generator->weights->type;
    uint64_t size = (uint64_t)generator->capacity * columns * lw_type_size(type);
    const struct lw_arena_params arena = {.name = "key-value cache",
        .expected =
            (2 * config->layers) * (size + 256) + config->vocab_size * sizeof(float) + 8192};
    generator->ids = lw_calloc(generator->capacity, sizeof *generator->ids, error);
    generator->keys = lw_calloc(config->layers, sizeof *generator->keys, error);
    generator->values = lw_calloc(config->layers, sizeof *generator->values, error);
    if (!generator->ids || !generator->keys || !generator->values ||
        !lw_arena_create(&generator->arena, generator->device, &arena, error)) {
        return false;
    }
    for (uint32_t i = 0; i < config->layers; i++) {
        struct lw_buffer keys, values;
        if (!lw_arena_allocate(generator->arena, size, &keys, error) ||
            !lw_arena_allocate(generator->arena, size, &values, error)) {
            return false;
        }
        generator->keys[i] = lw_tensor_of(&keys, type, generator->capacity, columns);
        generator->values[i] = lw_tensor_of(&values, type, generator->capacity, columns);
    }
    return lw_layer_rotary_table(
               generator->device, generator->arena, config, &generator->inverse_frequency, error) &&
           lw_arena_allocate(
               generator->arena, config->vocab_size * sizeof(float), &generator->logits, error);
}

bool lw_generator_create(struct lw_generator **out, struct lw_device *device,
    const struct lw_config *config, const struct lw_store *weights, uint32_t capacity,
    struct lw_error *error)
{
    *out = NULL;
    struct lw_generator *generator = lw_calloc(1, sizeof *generator, error);
    if (!generator) {
        return false;
    }
    generator->device = device;
    generator->config = config;
    generator->weights = weights;
    generator->capacity = capacity;
    generator->step.tokens = 1;
    if (!allocate_cache(generator, error) || !allocate_pass(generator, &generator->step, error) ||
        !record_pass(generator, &generator->step, error)) {
        lw_generator_destroy(generator);
        return false;
    }
    *out = generator;
    return true;
}

void lw_generator_destroy(struct lw_generator *generator)
{
    if (generator) {
        free_pass(&generator->step);
        lw_arena_destroy(generator->arena);
        lw_free(generator->ids);
        lw_free(generator->keys);
        lw_free(generator->values);
        lw_free(generator);
    }
}

static bool check_ids(const struct lw_generator *generator, const uint32_t *ids, uint32_t count,
    uint32_t length, struct lw_error *error)
{
    if (count > generator->capacity - length) {
        return lw_fail(error, LW_BAD_INPUT,
            "%u tokens do not fit the %u that there is room for; ask for a shorter answer or give "
            "a shorter prompt",
            length + count, generator->capacity);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] >= generator->config->vocab_size) {
            return lw_fail(error, LW_BAD_INPUT,
                "token id %u is not in the model's vocabulary of %u; the tokenizer belongs to "
                "another model",
                ids[i], generator->config->vocab_size);
        }
    }
    return true;
}

static bool run(
    struct lw_generator *generator, const struct pass *pass, float *logits, struct lw_error *error)
{
    uint64_t ticket;
    if (!lw_stream_submit(pass->stream, &ticket, error) ||
        !lw_device_wait(generator->device, ticket, error)) {
        return false;
    }
    return lw_download(generator->device, &generator->logits, 0, logits,
        generator->config->vocab_size * sizeof *logits, error);
}

static bool upload_prompt(
    const struct lw_generator *generator, const struct pass *pass, struct lw_error *error)
{
    const uint32_t *ids = generator->ids;
    uint64_t size = (uint64_t)pass->tokens * sizeof *ids;
    uint32_t *list = lw_calloc(pass->tokens, sizeof *list, error);
    bool done = list && lw_upload(generator->device, &pass->ids, 0, ids, size, error) &&
                lw_upload(generator->device, &pass->segment_start, 0, list, size, error);
    for (uint32_t i = 0; done && i < pass->tokens; i++) {
        list[i] = i;
    }
    done = done && lw_upload(generator->device, &pass->positions, 0, list, size, error);
    for (uint32_t i = 0; done && i < pass->tokens; i++) {
        list[i] = pass->tokens;
    }
    done = done && lw_upload(generator->device, &pass->segment_end, 0, list, size, error);
    for (uint32_t i = 0; done && i < pass->tokens; i++) {
        list[i] = generator->rotary_row;
    }
    done = done && lw_upload(generator->device, &pass->rotary_row, 0, list, size, error);
    lw_free(list);
    return done;
}

// Reads the first `count` of the generator's tokens anew.
static bool read_all(
    struct lw_generator *generator, uint32_t count, float *logits, struct lw_error *error)
{
    struct pass pass = {.tokens = count};
    generator->rotary_row = lw_rotary_row(&generator->config->rotary, count);
    bool done = allocate_pass(generator, &pass, error) && record_pass(generator, &pass, error) &&
                upload_prompt(generator, &pass, error) &&
                lw_upload(generator->device, &generator->step.rotary_row, 0, &generator->rotary_row,
                    sizeof generator->rotary_row, error) &&
                run(generator, &pass, logits, error);
    free_pass(&pass);
    generator->length = done ? count : 0;
    return done;
}

bool lw_generator_prompt(struct lw_generator *generator, const uint32_t *ids, uint32_t count,
    float *logits, struct lw_error *error)
{
    if (!check_ids(generator, ids, count, 0, error)) {
        return false;
    }
    memcpy(generator->ids, ids, count * sizeof *ids);
    return read_all(generator, count, logits, error);
}

bool lw_generator_append(
    struct lw_generator *generator, uint32_t id, float *logits, struct lw_error *error)
{
    const struct pass *step = &generator->step;
    uint32_t count = generator->length + 1;
    if (!check_ids(generator, &id, 1, generator->length, error)) {
        return false;
    }
    generator->ids[generator->length] = id;
    // Past longrope's original length every key is rotated otherwise, those in the cache too.
    if (lw_rotary_row(&generator->config->rotary, count) != generator->rotary_row) {
        return read_all(generator, count, logits, error);
    }
    if (!lw_upload(generator->device, &step->ids, 0, &id, sizeof id, error) ||
        !lw_upload(generator->device, &step->positions, 0, &generator->length,
            sizeof generator->length, error) ||
        !run(generator, step, logits, error)) {
        return false;
    }
    generator->length = count;
    return true;
}

uint32_t lw_generator_length(const struct lw_generator *generator)
{
    return generator->length;
}
