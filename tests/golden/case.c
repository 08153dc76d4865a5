// SPDX-License-Identifier: Apache-2.0
// Reading model cases. See case.h.
#include "tests/golden/case.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/io/json.h"

bool golden_case_open(struct golden_case *golden, const char *folder, struct lw_error *error)
{
    *golden = (struct golden_case){0};
    char path[1200];
    snprintf(golden->folder, sizeof golden->folder, "%s", folder);
    snprintf(golden->model, sizeof golden->model, "%s/model", golden->folder);
    snprintf(path, sizeof path, "%s/golden.json", golden->folder);
    golden->json = lw_json_read(path, NULL, error);
    snprintf(path, sizeof path, "%s/noise.json", golden->folder);
    if (golden->json && lw_file_exists(path)) {
        golden->noise = lw_json_read(path, NULL, error);
    }
    snprintf(path, sizeof path, "%s/golden.safetensors", golden->folder);
    if (error->status != LW_OK || !lw_safetensors_open(&golden->tensors, path, error)) {
        golden_case_close(golden);
        return false;
    }
    const struct lw_tensor_info *ids = lw_safetensors_find(golden->tensors, "input_ids");
    if (!ids || ids->rank != 2) {
        golden_case_close(golden);
        return lw_fail(error, LW_BAD_INPUT, "%s: no input_ids [B, T]", path);
    }
    golden->rows = (uint32_t)ids->shape[0];
    golden->columns = (uint32_t)ids->shape[1];
    return true;
}

void golden_case_close(struct golden_case *golden)
{
    cJSON_Delete(golden->json);
    cJSON_Delete(golden->noise);
    lw_safetensors_close(golden->tensors);
    *golden = (struct golden_case){0};
}

static void *read_tensor(const struct golden_case *golden, const char *name,
    const struct lw_tensor_info **info, uint64_t *count, struct lw_error *error)
{
    *info = lw_safetensors_find(golden->tensors, name);
    if (!*info) {
        lw_fail(
            error, LW_BAD_INPUT, "%s: golden.safetensors has no tensor %s", golden->folder, name);
        return NULL;
    }
    *count = lw_tensor_elements(*info);
    void *bytes = lw_calloc((*info)->bytes, 1, error);
    if (bytes && !lw_safetensors_read(golden->tensors, *info, 0, bytes, (*info)->bytes, error)) {
        lw_free(bytes);
        return NULL;
    }
    return bytes;
}

float *golden_floats(
    const struct golden_case *golden, const char *name, uint64_t *count, struct lw_error *error)
{
    const struct lw_tensor_info *info;
    void *bytes = read_tensor(golden, name, &info, count, error);
    if (!bytes || info->dtype == LW_DTYPE_F32) {
        return bytes;
    }
    float *values = lw_calloc(*count, sizeof *values, error);
    if (values && info->dtype == LW_DTYPE_F64) {
        for (uint64_t i = 0; i < *count; i++) {
            double value;
            memcpy(&value, (char *)bytes + i * sizeof value, sizeof value);
            values[i] = (float)value;
        }
    } else if (values) {
        lw_fail(error, LW_BAD_INPUT, "%s: tensor %s is %s", golden->folder, name,
            lw_dtype_name(info->dtype));
        lw_free(values);
        values = NULL;
    }
    lw_free(bytes);
    return values;
}

int32_t *golden_integers(
    const struct golden_case *golden, const char *name, uint64_t *count, struct lw_error *error)
{
    const struct lw_tensor_info *info;
    void *bytes = read_tensor(golden, name, &info, count, error);
    if (bytes && info->dtype != LW_DTYPE_I32) {
        lw_fail(error, LW_BAD_INPUT, "%s: tensor %s is %s", golden->folder, name,
            lw_dtype_name(info->dtype));
        lw_free(bytes);
        return NULL;
    }
    return bytes;
}

double golden_noise(const struct golden_case *golden, const char *name)
{
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(golden->noise, name);
    const cJSON *first = cJSON_IsArray(entry) ? entry->child : NULL;
    return first && cJSON_IsNumber(first) ? first->valuedouble : 0;
}

// The part of an optional tensor that belongs to micro-batch `index`.
static bool read_part(const struct golden_case *golden, const char *prefix, const char *name,
    uint32_t index, int32_t **values, struct lw_error *error)
{
    char full[128];
    uint64_t count, size = (uint64_t)golden->rows * golden->columns;
    snprintf(full, sizeof full, "%s%s", prefix, name);
    *values = NULL;
    bool optional = !strcmp(name, "position_ids") || !strcmp(name, "segment_ids");
    if (optional && !lw_safetensors_find(golden->tensors, full)) {
        return true;
    }
    *values = golden_integers(golden, full, &count, error);
    if (!*values) {
        return false;
    }
    if ((index + 1) * size > count) {
        lw_free(*values);
        *values = NULL;
        return lw_fail(
            error, LW_BAD_INPUT, "%s: %s has no micro-batch %u", golden->folder, full, index);
    }
    memmove(*values, *values + index * size, size * sizeof **values);
    return true;
}

// Whether a segment begins at column `t` of a row.
static bool begins(const int32_t *segments, uint32_t row_start, uint32_t t)
{
    const int32_t *row = segments ? segments + row_start : NULL;
    return t == 0 || (row && (row[t] != row[t - 1] || row[t] == 0));
}

static void fill_row(const struct golden_case *golden, uint32_t row, const int32_t *labels,
    const int32_t *positions, const int32_t *segments, struct lw_batch *batch)
{
    uint32_t columns = golden->columns, start = row * columns, first = start;
    for (uint32_t t = 0; t < columns; t++) {
        uint32_t at = start + t;
        first = begins(segments, start, t) ? at : first;
        batch->segment_start[at] = first;
        batch->positions[at] = positions ? (uint32_t)positions[at] : t;
        batch->targets[at] = t + 1 < columns ? labels[at + 1] : -1;
        if (batch->targets[at] < 0) {
            batch->targets[at] = -1;
        } else {
            batch->trained++;
        }
    }
    uint32_t end = start + columns;
    for (uint32_t t = columns; t-- > 0;) {
        batch->segment_end[start + t] = end;
        end = begins(segments, start, t) ? start + t : end;
    }
}

bool golden_batch(const struct golden_case *golden, const char *prefix, uint32_t index,
    struct lw_batch *batch, struct lw_error *error)
{
    uint32_t size = golden->rows * golden->columns;
    int32_t *ids, *labels = NULL, *positions = NULL, *segments = NULL;
    *batch = (struct lw_batch){.token_budget = size, .used = size};
    uint32_t *block = lw_calloc((size_t)size * 5, sizeof *block, error);
    bool read = block && read_part(golden, prefix, "input_ids", index, &ids, error) &&
                read_part(golden, prefix, "labels", index, &labels, error) &&
                read_part(golden, prefix, "position_ids", index, &positions, error) &&
                read_part(golden, prefix, "segment_ids", index, &segments, error);
    if (read) {
        batch->tokens = block;
        batch->positions = block + size;
        batch->segment_start = block + 2 * (size_t)size;
        batch->segment_end = block + 3 * (size_t)size;
        batch->targets = (int32_t *)(block + 4 * (size_t)size);
        memcpy(batch->tokens, ids, size * sizeof *ids);
        lw_free(ids);
        for (uint32_t row = 0; row < golden->rows; row++) {
            fill_row(golden, row, labels, positions, segments, batch);
        }
    } else {
        lw_free(block);
    }
    lw_free(labels);
    lw_free(positions);
    lw_free(segments);
    return read;
}

void golden_batch_free(struct lw_batch *batch)
{
    lw_free(batch->tokens);
    *batch = (struct lw_batch){0};
}
