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

double golden_number(const cJSON *object, const char *key, double fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

const char *golden_text(const cJSON *object, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return value ? value : "";
}

double golden_noise(const struct golden_case *golden, const char *name)
{
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(golden->noise, name);
    const cJSON *first = cJSON_IsArray(entry) ? entry->child : NULL;
    return first && cJSON_IsNumber(first) ? first->valuedouble : 0;
}

// What a batch is made of: [rows, columns] each; all but ids may be NULL.
struct parts {
    uint32_t rows, columns;
    int32_t *ids, *labels, *positions, *segments;
};

// Reads the values of PREFIXNAME that belong to micro-batch `index`, if there is such a tensor.
static bool read_part(const struct golden_case *golden, const char *full, uint64_t first,
    uint64_t size, int32_t **values, struct lw_error *error)
{
    uint64_t count;
    if (!lw_safetensors_find(golden->tensors, full)) {
        return true;
    }
    *values = golden_integers(golden, full, &count, error);
    if (!*values) {
        return false;
    }
    if (first + size > count) {
        return lw_fail(error, LW_BAD_INPUT, "%s: %s has only %llu numbers", golden->folder, full,
            (unsigned long long)count);
    }
    memmove(*values, *values + first, size * sizeof **values);
    return true;
}

static bool read_parts(const struct golden_case *golden, const char *prefix, uint32_t index,
    struct parts *parts, struct lw_error *error)
{
    const struct {
        const char *name;
        int32_t **values;
    } list[] = {{"input_ids", &parts->ids}, {"labels", &parts->labels},
        {"position_ids", &parts->positions}, {"segment_ids", &parts->segments}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char full[128];
        snprintf(full, sizeof full, "%s%s", prefix, list[i].name);
        if (i == 0) {
            const struct lw_tensor_info *ids = lw_safetensors_find(golden->tensors, full);
            if (!ids || ids->rank < 2) {
                return lw_fail(error, LW_BAD_INPUT, "%s: no %s [..., B, T]", golden->folder, full);
            }
            parts->rows = (uint32_t)ids->shape[ids->rank - 2];
            parts->columns = (uint32_t)ids->shape[ids->rank - 1];
        }
        uint64_t size = (uint64_t)parts->rows * parts->columns;
        if (!read_part(golden, full, index * size, size, list[i].values, error)) {
            return false;
        }
    }
    return true;
}

// Whether a segment begins at column `t` of a row.
static bool begins(const int32_t *segments, uint32_t row_start, uint32_t t)
{
    const int32_t *row = segments ? segments + row_start : NULL;
    return t == 0 || (row && (row[t] != row[t - 1] || row[t] == 0));
}

static void fill_row(const struct parts *parts, uint32_t row, struct lw_batch *batch)
{
    uint32_t columns = parts->columns, start = row * columns, first = start;
    for (uint32_t t = 0; t < columns; t++) {
        uint32_t at = start + t;
        bool labelled = parts->labels && t + 1 < columns && parts->labels[at + 1] >= 0;
        first = begins(parts->segments, start, t) ? at : first;
        batch->segment_start[at] = first;
        batch->positions[at] = parts->positions ? (uint32_t)parts->positions[at] : t;
        batch->targets[at] = labelled ? parts->labels[at + 1] : -1;
        batch->trained += labelled;
    }
    uint32_t end = start + columns;
    for (uint32_t t = columns; t-- > 0;) {
        batch->segment_end[start + t] = end;
        end = begins(parts->segments, start, t) ? start + t : end;
    }
}

static bool fill(const struct parts *parts, const struct lw_rotary *rotary, struct lw_batch *batch,
    struct lw_error *error)
{
    uint32_t size = parts->rows * parts->columns, last = 0;
    uint32_t *block = lw_calloc((size_t)size * 6, sizeof *block, error);
    if (!block) {
        return false;
    }
    *batch = (struct lw_batch){.tokens = block,
        .positions = block + size,
        .segment_start = block + 2 * (size_t)size,
        .segment_end = block + 3 * (size_t)size,
        .rotary_row = block + 4 * (size_t)size,
        .targets = (int32_t *)(block + 5 * (size_t)size),
        .token_budget = size,
        .used = size};
    memcpy(batch->tokens, parts->ids, size * sizeof *batch->tokens);
    for (uint32_t row = 0; row < parts->rows; row++) {
        fill_row(parts, row, batch);
    }
    for (uint32_t i = 0; i < size; i++) {
        last = batch->positions[i] > last ? batch->positions[i] : last;
    }
    for (uint32_t i = 0; i < size; i++) {
        batch->rotary_row[i] = lw_rotary_row(rotary, (uint64_t)last + 1);
    }
    return true;
}

bool golden_batch(const struct golden_case *golden, const char *prefix, uint32_t index,
    const struct lw_rotary *rotary, struct lw_batch *batch, struct lw_error *error)
{
    struct parts parts = {0};
    *batch = (struct lw_batch){0};
    bool done =
        read_parts(golden, prefix, index, &parts, error) && fill(&parts, rotary, batch, error);
    lw_free(parts.ids);
    lw_free(parts.labels);
    lw_free(parts.positions);
    lw_free(parts.segments);
    return done;
}

void golden_batch_free(struct lw_batch *batch)
{
    lw_free(batch->tokens);
    *batch = (struct lw_batch){0};
}
