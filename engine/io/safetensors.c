// SPDX-License-Identifier: Apache-2.0
// The reader of safetensors files. See safetensors.h; the writer is in safetensors_writer.c.
#include "engine/io/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/io/json.h"

static const uint64_t HEADER_LIMIT = 100000000; // bytes, as in Hugging Face's own reader
static const size_t VALUES_LIMIT = 4000000;     // JSON values in it: some 300,000 tensors

static const struct {
    const char *name;
    size_t size;
} dtypes[LW_DTYPE_COUNT] = {
    [LW_DTYPE_F32] = {"F32", 4},
    [LW_DTYPE_F16] = {"F16", 2},
    [LW_DTYPE_BF16] = {"BF16", 2},
    [LW_DTYPE_F64] = {"F64", 8},
    [LW_DTYPE_I64] = {"I64", 8},
    [LW_DTYPE_I32] = {"I32", 4},
    [LW_DTYPE_I16] = {"I16", 2},
    [LW_DTYPE_I8] = {"I8", 1},
    [LW_DTYPE_U64] = {"U64", 8},
    [LW_DTYPE_U32] = {"U32", 4},
    [LW_DTYPE_U16] = {"U16", 2},
    [LW_DTYPE_U8] = {"U8", 1},
    [LW_DTYPE_BOOL] = {"BOOL", 1},
    [LW_DTYPE_F8_E4M3] = {"F8_E4M3", 1},
    [LW_DTYPE_F8_E5M2] = {"F8_E5M2", 1},
    [LW_DTYPE_F8_E8M0] = {"F8_E8M0", 1},
    [LW_DTYPE_C64] = {"C64", 8},
};

struct lw_safetensors {
    struct lw_file *file;
    struct lw_tensor_info *infos; // by offset; names owned
    const struct lw_tensor_info **by_name;
    size_t count, capacity;
};

const char *lw_dtype_name(enum lw_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t lw_dtype_size(enum lw_dtype dtype)
{
    return dtypes[dtype].size;
}

bool lw_dtype_find(const char *name, enum lw_dtype *dtype)
{
    for (int i = 0; i < LW_DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            *dtype = (enum lw_dtype)i;
            return true;
        }
    }
    return false;
}

uint64_t lw_tensor_elements(const struct lw_tensor_info *info)
{
    uint64_t elements = 1;
    for (int i = 0; i < info->rank; i++) {
        elements *= info->shape[i];
    }
    return elements;
}

bool lw_tensor_same_shape(const struct lw_tensor_info *left, const struct lw_tensor_info *right)
{
    return left->rank == right->rank &&
           !memcmp(left->shape, right->shape, (size_t)left->rank * sizeof *left->shape);
}

bool lw_tensor_set_bytes(struct lw_tensor_info *info)
{
    uint64_t bytes = lw_dtype_size(info->dtype);
    bool empty = false;
    for (int i = 0; i < info->rank; i++) {
        empty = empty || info->shape[i] == 0;
    }
    for (int i = 0; !empty && i < info->rank; i++) {
        if (bytes > (uint64_t)INT64_MAX / info->shape[i]) {
            return false;
        }
        bytes *= info->shape[i];
    }
    info->bytes = empty ? 0 : bytes;
    return true;
}

// No key twice: cJSON keeps both, and other readers might take the other one.
static bool check_keys(const cJSON *entry, const char *where, struct lw_error *error)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int found = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, entry)
        {
            found += strcmp(item->string, keys[i]) == 0;
        }
        if (found > 1) {
            return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" twice", where, keys[i]);
        }
    }
    return true;
}

static bool read_shape(
    const struct lw_json_scope *scope, struct lw_tensor_info *info, struct lw_error *error)
{
    const cJSON *shape = lw_json_find(scope, "shape"), *item;
    if (!cJSON_IsArray(shape)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"shape\" must be an array", scope->name);
    }
    cJSON_ArrayForEach(item, shape)
    {
        int64_t size;
        if (info->rank == LW_TENSOR_MAX_RANK) {
            return lw_fail(error, LW_BAD_INPUT, "%s: more than %d dimensions", scope->name,
                (int)LW_TENSOR_MAX_RANK);
        }
        if (!lw_json_as_integer(item, 0, INT64_MAX, &size)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: every entry of \"shape\" must be an integer that is not negative",
                scope->name);
        }
        info->shape[info->rank++] = (uint64_t)size;
    }
    return lw_tensor_set_bytes(info) ||
           lw_fail(error, LW_BAD_INPUT, "%s: \"shape\" has an absurd size", scope->name);
}

// Fills dtype, rank, shape, bytes and the offset within the file's data part of `data_bytes` bytes.
static bool read_entry(const struct lw_json_scope *scope, uint64_t data_bytes,
    struct lw_tensor_info *info, struct lw_error *error)
{
    const char *dtype;
    if (!lw_json_is_object(scope, error) || !check_keys(scope->object, scope->name, error) ||
        !lw_json_string(scope, "dtype", &dtype, error)) {
        return false;
    }
    if (!lw_dtype_find(dtype, &info->dtype)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: unknown dtype \"%.40s\"", scope->name, dtype);
    }
    if (!read_shape(scope, info, error)) {
        return false;
    }
    const cJSON *offsets = lw_json_find(scope, "data_offsets");
    int64_t begin, end;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !lw_json_as_integer(cJSON_GetArrayItem(offsets, 0), 0, INT64_MAX, &begin) ||
        !lw_json_as_integer(cJSON_GetArrayItem(offsets, 1), begin, INT64_MAX, &end)) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"data_offsets\" must be two integers, the second not below the first",
            scope->name);
    }
    if ((uint64_t)end > data_bytes) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: its data ends at byte %lld, but the file has only %llu bytes of data. The file is "
            "cut short; get it again",
            scope->name, (long long)end, (unsigned long long)data_bytes);
    }
    if ((uint64_t)(end - begin) != info->bytes) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: %lld bytes of data, but its shape and dtype need %llu", scope->name,
            (long long)(end - begin), (unsigned long long)info->bytes);
    }
    info->offset = (uint64_t)begin;
    return true;
}

static bool is_plain_name(const char *name)
{
    for (; *name; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool check_metadata(const cJSON *metadata, const char *path, struct lw_error *error)
{
    const cJSON *item;
    bool sound = cJSON_IsObject(metadata);
    if (sound) {
        cJSON_ArrayForEach(item, metadata)
        {
            sound = sound && cJSON_IsString(item);
        }
    }
    return sound || lw_fail(error, LW_BAD_INPUT,
                        "%s: \"__metadata__\" must be an object that holds strings only", path);
}

static bool add_tensor(
    struct lw_safetensors *tensors, const cJSON *entry, uint64_t data_bytes, struct lw_error *error)
{
    const char *path = lw_file_path(tensors->file);
    if (!is_plain_name(entry->string)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: a tensor's name holds control characters", path);
    }
    struct lw_tensor_info info = {0};
    struct lw_error inner = {0};
    char where[120];
    size_t length = strlen(entry->string);
    memcpy(where, "tensor ", 7);
    memcpy(where + 7, entry->string, length < 100 ? length + 1 : 100);
    where[107] = 0;
    struct lw_json_scope scope = {entry, where};
    if (!read_entry(&scope, data_bytes, &info, &inner)) {
        return lw_fail(error, inner.status, "%s: %s", path, inner.message);
    }
    char *name = NULL;
    if (!lw_reserve(&tensors->infos, &tensors->capacity, tensors->count + 1, sizeof *tensors->infos,
            error) ||
        !(name = lw_strdup(entry->string, error))) {
        return false;
    }
    info.name = name;
    tensors->infos[tensors->count++] = info;
    return true;
}

static int compare_offsets(const void *left, const void *right)
{
    const struct lw_tensor_info *a = left, *b = right;
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    if (a->bytes != b->bytes) { // empty tensors come before the one that begins there
        return a->bytes < b->bytes ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static int compare_names(const void *left, const void *right)
{
    const struct lw_tensor_info *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

// Sorts by place and by name, and checks that the tensors cover the data once, each under one name.
static bool order_tensors(struct lw_safetensors *tensors, uint64_t data_start, uint64_t data_bytes,
    struct lw_error *error)
{
    const char *path = lw_file_path(tensors->file);
    uint64_t end = 0;
    if (tensors->count) {
        qsort(tensors->infos, tensors->count, sizeof *tensors->infos, compare_offsets);
    }
    tensors->by_name = lw_calloc(tensors->count, sizeof *tensors->by_name, error);
    if (!tensors->by_name) {
        return false;
    }
    for (size_t i = 0; i < tensors->count; i++) {
        struct lw_tensor_info *info = &tensors->infos[i];
        if (info->offset != end) {
            return lw_fail(error, LW_BAD_INPUT, "%s: the data of tensor %.200s %s", path,
                info->name,
                info->offset < end ? "overlaps another tensor's"
                                   : "leaves a gap before it that no tensor uses");
        }
        end = info->offset + info->bytes;
        info->offset += data_start;
        tensors->by_name[i] = info;
    }
    if (end != data_bytes) {
        return lw_fail(error, LW_BAD_INPUT, "%s: %llu bytes at its end that no tensor uses", path,
            (unsigned long long)(data_bytes - end));
    }
    if (tensors->count) {
        qsort(tensors->by_name, tensors->count, sizeof *tensors->by_name, compare_names);
    }
    for (size_t i = 1; i < tensors->count; i++) {
        if (compare_names(&tensors->by_name[i - 1], &tensors->by_name[i]) == 0) {
            return lw_fail(
                error, LW_BAD_INPUT, "%s: tensor %.200s twice", path, tensors->by_name[i]->name);
        }
    }
    return true;
}

static bool read_tensors(struct lw_safetensors *tensors, const cJSON *header, uint64_t data_start,
    uint64_t data_bytes, struct lw_error *error)
{
    const char *path = lw_file_path(tensors->file);
    struct lw_json_scope scope = {header, path};
    if (!lw_json_is_object(&scope, error)) {
        return false;
    }
    bool metadata = false;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, header)
    {
        if (strcmp(entry->string, "__metadata__") != 0) {
            if (!add_tensor(tensors, entry, data_bytes, error)) {
                return false;
            }
            continue;
        }
        if (metadata) {
            return lw_fail(error, LW_BAD_INPUT, "%s: \"__metadata__\" twice", path);
        }
        metadata = true;
        if (!check_metadata(entry, path, error)) {
            return false;
        }
    }
    return order_tensors(tensors, data_start, data_bytes, error);
}

bool lw_safetensors_open(struct lw_safetensors **tensors, const char *path, struct lw_error *error)
{
    *tensors = NULL;
    unsigned char prefix[8];
    uint64_t file_bytes, header_bytes = 0;
    char *text = NULL;
    cJSON *header = NULL;
    struct lw_safetensors *opened = lw_calloc(1, sizeof *opened, error);
    if (!opened || !lw_file_open(&opened->file, path, LW_FILE_READ, error) ||
        !lw_file_size(opened->file, &file_bytes, error)) {
        goto error;
    }
    if (file_bytes < sizeof prefix) {
        lw_fail(error, LW_BAD_INPUT, "%s: no safetensors file, it has only %llu bytes", path,
            (unsigned long long)file_bytes);
        goto error;
    }
    if (!lw_file_read_at(opened->file, 0, prefix, sizeof prefix, error)) {
        goto error;
    }
    for (int i = 7; i >= 0; i--) {
        header_bytes = header_bytes << 8 | prefix[i];
    }
    uint64_t left = file_bytes - sizeof prefix;
    if (header_bytes > HEADER_LIMIT || header_bytes > left) {
        lw_fail(error, LW_BAD_INPUT,
            "%s: its first 8 bytes say that the header has %llu bytes, %s. The file is cut short, "
            "or no safetensors file",
            path, (unsigned long long)header_bytes,
            header_bytes > HEADER_LIMIT ? "more than the 100000000 that the format allows"
                                        : "more than the file holds");
        goto error;
    }
    text = lw_calloc((size_t)header_bytes, 1, error);
    if (!text || !lw_file_read_at(opened->file, sizeof prefix, text, (size_t)header_bytes, error)) {
        goto error;
    }
    struct lw_json_limits limits = {(size_t)HEADER_LIMIT, 4, VALUES_LIMIT};
    header = lw_json_parse(text, (size_t)header_bytes, path, &limits, error);
    if (!header ||
        !read_tensors(opened, header, sizeof prefix + header_bytes, left - header_bytes, error)) {
        goto error;
    }
    cJSON_Delete(header);
    lw_free(text);
    *tensors = opened;
    return true;
error:
    cJSON_Delete(header);
    lw_free(text);
    lw_safetensors_close(opened);
    return false;
}

void lw_safetensors_close(struct lw_safetensors *tensors)
{
    if (!tensors) {
        return;
    }
    for (size_t i = 0; i < tensors->count; i++) {
        lw_free((char *)tensors->infos[i].name);
    }
    lw_free(tensors->infos);
    lw_free(tensors->by_name);
    lw_file_close(tensors->file);
    lw_free(tensors);
}

size_t lw_safetensors_count(const struct lw_safetensors *tensors)
{
    return tensors->count;
}

const struct lw_tensor_info *lw_safetensors_at(const struct lw_safetensors *tensors, size_t index)
{
    return &tensors->infos[index];
}

const struct lw_tensor_info *lw_safetensors_find(
    const struct lw_safetensors *tensors, const char *name)
{
    struct lw_tensor_info key = {.name = name};
    const struct lw_tensor_info *pointer = &key;
    const struct lw_tensor_info **found = bsearch(
        &pointer, tensors->by_name, tensors->count, sizeof *tensors->by_name, compare_names);
    return found ? *found : NULL;
}

bool lw_safetensors_read(const struct lw_safetensors *tensors, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error)
{
    return lw_file_read_at(tensors->file, info->offset + start, bytes, size, error) ||
           lw_fail_in(error, "reading tensor %.200s", info->name);
}

void lw_safetensors_read_ahead(const struct lw_safetensors *tensors,
    const struct lw_tensor_info *info, uint64_t start, uint64_t size)
{
    lw_file_read_ahead(tensors->file, info->offset + start, size);
}
