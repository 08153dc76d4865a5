// SPDX-License-Identifier: Apache-2.0
// Staging of micro-batches. See inputs.h.
#include "engine/model/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

// The arrays and scalars of the region, each at a multiple of 256 bytes.
struct region_part {
    size_t member;             // offset of the lw_buffer in struct lw_inputs
    uint32_t per_token, extra; // entries: tokens * per_token + extra
};

#define PART(name, per_token, extra)                                                               \
    {                                                                                              \
        offsetof(struct lw_inputs, name), per_token, extra                                         \
    }
static const struct region_part parts[] = {
    PART(tokens, 1, 0),
    PART(positions, 1, 0),
    PART(segment_start, 1, 0),
    PART(segment_end, 1, 0),
    PART(rotary_row, 1, 0),
    PART(trained_rows, 1, 0),
    PART(targets, 1, 0),
    PART(order, 1, 0),
    PART(group_start, 1, 1),
    PART(row_count, 0, 1),
    PART(group_count, 0, 1),
    PART(loss_scale, 0, 1),
};
#undef PART
#define PART_COUNT (sizeof parts / sizeof *parts)

static uint64_t part_size(const struct region_part *part, uint32_t tokens)
{
    uint64_t bytes = ((uint64_t)tokens * part->per_token + part->extra) * 4;
    return (bytes + 255) / 256 * 256;
}

static uint64_t region_size(uint32_t tokens)
{
    uint64_t size = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        size += part_size(&parts[i], tokens);
    }
    return size;
}

// Two steps of 32 micro-batches, or what fits in 64 MiB.
static size_t staging_count(uint32_t tokens)
{
    const uint64_t most = 64, bytes = (uint64_t)64 << 20;
    uint64_t count = bytes / region_size(tokens);
    return (size_t)(count < 2 ? 2 : count < most ? count : most);
}

uint64_t lw_inputs_size(uint32_t tokens)
{
    return (1 + staging_count(tokens)) * region_size(tokens);
}

static bool allocate(struct lw_inputs *inputs, struct lw_error *error)
{
    uint64_t size = region_size(inputs->token_count);
    struct lw_arena_params device = {.name = "inputs", .expected = size};
    struct lw_arena_params host = {.name = "input staging",
        .memory = LW_MEMORY_HOST,
        .expected = inputs->staging_count * size};
    if (!lw_arena_create(&inputs->arena, inputs->device, &device, error) ||
        !lw_arena_create(&inputs->staging_arena, inputs->device, &host, error) ||
        !lw_arena_allocate(inputs->arena, size, &inputs->all, error)) {
        return false;
    }
    uint64_t offset = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        struct lw_buffer part =
            lw_buffer_part(&inputs->all, offset, part_size(&parts[i], inputs->token_count));
        memcpy((char *)inputs + parts[i].member, &part, sizeof part);
        offset += part.size;
    }
    inputs->keys = lw_calloc((size_t)inputs->token_count * 2, sizeof *inputs->keys, error);
    return inputs->keys != NULL;
}

static bool create_staging(struct lw_inputs *inputs, struct lw_error *error)
{
    uint64_t size = region_size(inputs->token_count);
    inputs->staging = lw_calloc(inputs->staging_count, sizeof *inputs->staging, error);
    bool made = inputs->staging != NULL;
    for (size_t i = 0; made && i < inputs->staging_count; i++) {
        struct lw_staging *staging = &inputs->staging[i];
        made = lw_arena_allocate(inputs->staging_arena, size, &staging->buffer, error) &&
               lw_stream_create(&staging->copy, inputs->device, "uploading a batch", error);
        if (made) {
            lw_stream_copy(staging->copy, &staging->buffer, &inputs->all);
            made = lw_stream_end(staging->copy, error);
        }
    }
    return made;
}

bool lw_inputs_create(struct lw_inputs **out, struct lw_device *device, uint32_t tokens,
    uint32_t frozen_token, struct lw_error *error)
{
    *out = NULL;
    struct lw_inputs *inputs = lw_calloc(1, sizeof *inputs, error);
    if (!inputs) {
        return false;
    }
    inputs->device = device;
    inputs->token_count = tokens;
    inputs->frozen_token = frozen_token;
    inputs->staging_count = staging_count(tokens);
    bool made = allocate(inputs, error) && create_staging(inputs, error);
    if (!made) {
        lw_inputs_destroy(inputs);
        return false;
    }
    *out = inputs;
    return true;
}

void lw_inputs_destroy(struct lw_inputs *inputs)
{
    if (inputs) {
        for (size_t i = 0; inputs->staging && i < inputs->staging_count; i++) {
            lw_stream_destroy(inputs->staging[i].copy);
        }
        lw_free(inputs->staging);
        lw_arena_destroy(inputs->arena);
        lw_arena_destroy(inputs->staging_arena);
        lw_free(inputs->keys);
        lw_free(inputs);
    }
}

// The staging view of one of the device's parts.
static uint32_t *staged(const struct lw_inputs *inputs, const struct lw_buffer *part)
{
    char *base = inputs->staging[inputs->next].buffer.mapped;
    return (uint32_t *)(void *)(base + (part->address - inputs->all.address));
}

static int compare_keys(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right; // {token id, position}
    return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

// Positions grouped by token id, for the deterministic gradient of the embedding. Those of the
// frozen token come last and make no group.
static void stage_groups(struct lw_inputs *inputs, const struct lw_batch *batch)
{
    uint32_t count = batch->token_budget, grouped = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool frozen = batch->tokens[i] == inputs->frozen_token;
        grouped += !frozen;
        inputs->keys[2 * i] = frozen ? UINT32_MAX : batch->tokens[i];
        inputs->keys[2 * i + 1] = i;
    }
    qsort(inputs->keys, count, 2 * sizeof *inputs->keys, compare_keys);
    uint32_t *order = staged(inputs, &inputs->order);
    uint32_t *group_start = staged(inputs, &inputs->group_start);
    uint32_t groups = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool begins = i == 0 || inputs->keys[2 * i] != inputs->keys[2 * i - 2];
        if (i < grouped && begins) {
            group_start[groups++] = i;
        }
        order[i] = inputs->keys[2 * i + 1];
    }
    group_start[groups] = grouped;
    *staged(inputs, &inputs->group_count) = groups;
}

static void stage(struct lw_inputs *inputs, const struct lw_batch *batch, float loss_scale)
{
    size_t size = (size_t)batch->token_budget * sizeof(uint32_t);
    memcpy(staged(inputs, &inputs->tokens), batch->tokens, size);
    memcpy(staged(inputs, &inputs->positions), batch->positions, size);
    memcpy(staged(inputs, &inputs->segment_start), batch->segment_start, size);
    memcpy(staged(inputs, &inputs->segment_end), batch->segment_end, size);
    memcpy(staged(inputs, &inputs->rotary_row), batch->rotary_row, size);
    uint32_t *rows = staged(inputs, &inputs->trained_rows);
    uint32_t *targets = staged(inputs, &inputs->targets);
    uint32_t trained = 0;
    for (uint32_t i = 0; i < batch->token_budget; i++) {
        if (batch->targets[i] >= 0) {
            rows[trained] = i;
            targets[trained++] = (uint32_t)batch->targets[i];
        }
    }
    *staged(inputs, &inputs->row_count) = trained;
    memcpy(staged(inputs, &inputs->loss_scale), &loss_scale, sizeof loss_scale);
    stage_groups(inputs, batch);
}

bool lw_inputs_submit(struct lw_inputs *inputs, const struct lw_batch *batch, float loss_scale,
    struct lw_error *error)
{
    struct lw_staging *staging = &inputs->staging[inputs->next];
    if (!lw_device_wait(inputs->device, staging->ticket, error)) {
        return false;
    }
    stage(inputs, batch, loss_scale);
    inputs->next = (inputs->next + 1) % inputs->staging_count;
    return lw_stream_submit(staging->copy, &staging->ticket, error);
}
