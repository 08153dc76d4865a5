// SPDX-License-Identifier: Apache-2.0
// Values per weight in device memory, and their way from and to the host. See store.h.
#include "engine/model/store.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/numeric.h"
#include "engine/gpu/transfer.h"
#include "engine/io/checkpoint.h"

// Elements that pass through the host at a time.
#define CHUNK ((uint64_t)4 << 20)

static bool zero_groups(const struct lw_store *store, struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, store->device, "zeroing", error)) {
        return false;
    }
    for (size_t i = 0; i < store->layout->group_count; i++) {
        lw_stream_fill(stream, &store->groups[i], 0);
    }
    uint64_t ticket;
    bool done = lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(store->device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}

// Says what is missing in all; the arena would find out block by block.
static bool check_memory(
    const struct lw_store *store, uint64_t needed, const char *name, struct lw_error *error)
{
    uint64_t available = lw_device_memory_free(store->device);
    if (needed > available) {
        return lw_fail(error, LW_NO_RESOURCE,
            "the %s need %.2f GiB of device memory and %.2f GiB are free: %.2f GiB are missing; "
            "close other programs, or use a device with more memory",
            name, (double)needed / 0x1p30, (double)available / 0x1p30,
            (double)(needed - available) / 0x1p30);
    }
    return true;
}

static bool allocate_groups(struct lw_store *store, const char *name, struct lw_error *error)
{
    const struct lw_layout *layout = store->layout;
    uint64_t size = lw_type_size(store->type);
    struct lw_arena_params params = {
        .name = name, .memory = LW_MEMORY_DEVICE, .expected = lw_layout_elements(layout) * size};
    if (!check_memory(store, params.expected, name, error)) {
        return false;
    }
    store->groups = lw_calloc(layout->group_count, sizeof *store->groups, error);
    if (!store->groups || !lw_arena_create(&store->arena, store->device, &params, error)) {
        return false;
    }
    for (size_t i = 0; i < layout->group_count; i++) {
        if (!lw_arena_allocate(
                store->arena, layout->groups[i].count * size, &store->groups[i], error)) {
            return false;
        }
    }
    return true;
}

bool lw_store_create(struct lw_store **out, struct lw_device *device,
    const struct lw_layout *layout, enum lw_type type, const char *name, struct lw_error *error)
{
    *out = NULL;
    struct lw_store *store = lw_calloc(1, sizeof *store, error);
    if (!store) {
        return false;
    }
    store->layout = layout;
    store->device = device;
    store->type = type;
    if (!allocate_groups(store, name, error) || !zero_groups(store, error)) {
        lw_store_destroy(store);
        return false;
    }
    *out = store;
    return true;
}

void lw_store_destroy(struct lw_store *store)
{
    if (store) {
        lw_arena_destroy(store->arena);
        lw_free(store->groups);
        lw_free(store);
    }
}

struct lw_tensor lw_store_tensor(const struct lw_store *store, uint32_t layer, enum lw_slot slot)
{
    const struct lw_place *place = lw_layout_place(store->layout, layer, slot);
    if (!place->rows) {
        return (struct lw_tensor){0};
    }
    uint64_t address =
        store->groups[place->group].address + place->offset * lw_type_size(store->type);
    return (struct lw_tensor){address, place->rows, place->columns, place->columns, store->type};
}

// Where element `first` of a parameter lies: its group's buffer and the byte offset in it.
static const struct lw_buffer *locate(const struct lw_store *store,
    const struct lw_parameter *parameter, uint64_t first, uint64_t *offset)
{
    const struct lw_place *place =
        lw_layout_place(store->layout, parameter->layer, parameter->slot);
    *offset = (place->offset + parameter->offset + first) * lw_type_size(store->type);
    return &store->groups[place->group];
}

bool lw_store_read(const struct lw_store *store, const struct lw_parameter *parameter,
    uint64_t first, float *values, uint64_t count, struct lw_error *error)
{
    uint64_t offset;
    const struct lw_buffer *group = locate(store, parameter, first, &offset);
    uint64_t size = count * lw_type_size(store->type);
    if (store->type == LW_F32) {
        return lw_download(store->device, group, offset, values, size, error);
    }
    // The 16-bit values go into the upper half of the target and are widened from the front.
    uint16_t *packed = (uint16_t *)values + count;
    if (!lw_download(store->device, group, offset, packed, size, error)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        float value = lw_bf16_to_float(packed[i]);
        memcpy(&values[i], &value, sizeof value);
    }
    return true;
}

bool lw_store_write(const struct lw_store *store, const struct lw_parameter *parameter,
    uint64_t first, const float *values, uint64_t count, struct lw_error *error)
{
    uint64_t offset;
    const struct lw_buffer *group = locate(store, parameter, first, &offset);
    if (store->type == LW_F32) {
        return lw_upload(store->device, group, offset, values, count * 4, error);
    }
    uint16_t *packed = lw_calloc(count, sizeof *packed, error);
    if (!packed) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        packed[i] = lw_float_to_bf16(values[i]);
    }
    bool done = lw_upload(store->device, group, offset, packed, count * sizeof *packed, error);
    lw_free(packed);
    return done;
}

static bool check_shape(
    const struct lw_parameter *parameter, const struct lw_tensor_info *info, struct lw_error *error)
{
    bool matches = info->rank == (int)parameter->rank &&
                   (parameter->rank == 1 ? info->shape[0] == parameter->columns
                                         : info->shape[0] == parameter->rows &&
                                               info->shape[1] == parameter->columns);
    if (!matches) {
        return lw_fail(error, LW_BAD_INPUT,
            "tensor %s has %d dimensions, the first of %llu; config.json makes it [%u%s%u]; the "
            "checkpoint and its config.json do not belong together",
            parameter->name, info->rank, (unsigned long long)(info->rank ? info->shape[0] : 0),
            parameter->rank == 1 ? parameter->columns : parameter->rows,
            parameter->rank == 1 ? "" : ", ", parameter->rank == 1 ? 0 : parameter->columns);
    }
    if (info->dtype != LW_DTYPE_F32 && info->dtype != LW_DTYPE_BF16 &&
        info->dtype != LW_DTYPE_F16) {
        return lw_fail(error, LW_BAD_INPUT,
            "tensor %s has type %s; F32, BF16 and F16 can be loaded", parameter->name,
            lw_dtype_name(info->dtype));
    }
    return true;
}

// Widens `count` values of `dtype` at `raw` to fp32.
static void widen(enum lw_dtype dtype, const void *raw, float *values, uint64_t count)
{
    if (dtype == LW_DTYPE_F32) {
        memcpy(values, raw, count * sizeof *values);
        return;
    }
    const uint16_t *halves = raw;
    for (uint64_t i = 0; i < count; i++) {
        values[i] =
            dtype == LW_DTYPE_BF16 ? lw_bf16_to_float(halves[i]) : lw_f16_to_float(halves[i]);
    }
}

static bool load_parameter(const struct lw_store *store, const struct lw_checkpoint *checkpoint,
    const struct lw_parameter *parameter, void *raw, float *values, struct lw_error *error)
{
    const struct lw_tensor_info *info = lw_checkpoint_find(checkpoint, parameter->name);
    if (!info) {
        return lw_fail(error, LW_BAD_INPUT, "%s has no tensor %s", lw_checkpoint_folder(checkpoint),
            parameter->name);
    }
    if (!check_shape(parameter, info, error)) {
        return lw_fail_in(error, "%s", lw_checkpoint_folder(checkpoint));
    }
    uint64_t total = (uint64_t)parameter->rows * parameter->columns;
    size_t size = lw_dtype_size(info->dtype);
    for (uint64_t first = 0; first < total; first += CHUNK) {
        uint64_t count = total - first < CHUNK ? total - first : CHUNK;
        if (!lw_checkpoint_read(checkpoint, info, first * size, raw, count * size, error)) {
            return false;
        }
        widen(info->dtype, raw, values, count);
        for (uint64_t i = 0; i < count; i++) {
            if (!isfinite(values[i])) {
                return lw_fail(error, LW_BAD_INPUT,
                    "%s: tensor %s holds a NaN or an infinity at element %llu; the checkpoint is "
                    "damaged or its training diverged",
                    lw_checkpoint_folder(checkpoint), parameter->name,
                    (unsigned long long)(first + i));
            }
        }
        if (!lw_store_write(store, parameter, first, values, count, error)) {
            return false;
        }
    }
    return true;
}

bool lw_store_load(
    const struct lw_store *store, const struct lw_checkpoint *checkpoint, struct lw_error *error)
{
    void *raw = lw_calloc(CHUNK, sizeof(float), error);
    float *values = lw_calloc(CHUNK, sizeof *values, error);
    bool loaded = raw && values;
    for (size_t i = 0; loaded && i < store->layout->parameter_count; i++) {
        loaded =
            load_parameter(store, checkpoint, &store->layout->parameters[i], raw, values, error);
    }
    lw_free(raw);
    lw_free(values);
    return loaded;
}
