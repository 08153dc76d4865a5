// SPDX-License-Identifier: Apache-2.0
// The writer of safetensors files. See safetensors.h.
//
// Callers stream tensors in an order of their own; in the file they stand by falling element size, so
// that each begins at a multiple of it. PyTorch's loader refuses a tensor that does not.
#include "engine/io/safetensors.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/file_stream.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

struct place {
    uint64_t offset; // from the start of the file
    uint64_t bytes;
};

struct lw_safetensors_writer {
    struct lw_file *file;
    struct lw_file_stream *stream; // into the file
    struct place *places;          // in the order of the calls
    size_t count;
    size_t current;   // the tensor that the next byte belongs to
    uint64_t written; // bytes of it
    // Of the bytes of the file up to `hashed`; NULL: not asked for, or they come in another order.
    struct lw_sha256 *sha;
    uint64_t hashed;
    bool wants_digest;
    char digest[LW_SHA256_TEXT];
};

static bool put(struct lw_safetensors_writer *writer, uint64_t offset, const void *bytes,
    size_t size, struct lw_error *error)
{
    if (writer->sha && offset != writer->hashed) {
        lw_sha256_destroy(writer->sha);
        writer->sha = NULL;
    }
    writer->hashed += size;
    return (!writer->sha || lw_sha256_add(writer->sha, bytes, size, error)) &&
           lw_file_stream_write(writer->stream, offset, bytes, size, error);
}

static bool add_entry(struct lw_string *text, const struct lw_tensor_info *info, uint64_t begin,
    struct lw_error *error)
{
    if (!lw_string_add(text, ",", 1, error) || !lw_json_quote(text, info->name, error) ||
        !lw_string_addf(
            text, error, ":{\"dtype\":\"%s\",\"shape\":[", lw_dtype_name(info->dtype))) {
        return false;
    }
    for (int i = 0; i < info->rank; i++) {
        if (!lw_string_addf(
                text, error, "%s%llu", i ? "," : "", (unsigned long long)info->shape[i])) {
            return false;
        }
    }
    unsigned long long end = begin + info->bytes;
    return lw_string_addf(
        text, error, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin, end);
}

// Fills the places (from the start of the data) and the header's text, padded as Hugging Face pads
// it: with spaces, so that the data begins at a multiple of 8.
static bool lay_out(struct lw_safetensors_writer *writer, const struct lw_tensor_info *infos,
    struct lw_string *text, struct lw_error *error)
{
    if (!lw_string_addf(text, error, "{\"__metadata__\":{\"format\":\"pt\"}")) {
        return false;
    }
    uint64_t offset = 0;
    for (size_t element = 8; element; element /= 2) {
        for (size_t i = 0; i < writer->count; i++) {
            struct lw_tensor_info info = infos[i];
            if (lw_dtype_size(info.dtype) != element) {
                continue;
            }
            if (!lw_tensor_set_bytes(&info) || info.bytes > (uint64_t)INT64_MAX - offset) {
                return lw_fail(error, LW_FAILED, "tensor %.200s has an absurd size", info.name);
            }
            if (!add_entry(text, &info, offset, error)) {
                return false;
            }
            writer->places[i] = (struct place){offset, info.bytes};
            offset += info.bytes;
        }
    }
    if (!lw_string_add(text, "}", 1, error)) {
        return false;
    }
    while (text->length % 8) {
        if (!lw_string_add(text, " ", 1, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < writer->count; i++) {
        writer->places[i].offset += 8 + text->length;
    }
    return true;
}

bool lw_safetensors_writer_create(struct lw_safetensors_writer **writer, const char *path,
    const struct lw_tensor_info *infos, size_t count, bool digest, struct lw_error *error)
{
    *writer = NULL;
    struct lw_string text = {0};
    struct lw_safetensors_writer *created = lw_calloc(1, sizeof *created, error);
    if (!created) {
        return false;
    }
    created->count = count;
    created->wants_digest = digest;
    created->places = lw_calloc(count, sizeof *created->places, error);
    if (!created->places || !lay_out(created, infos, &text, error)) {
        goto error;
    }
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++) {
        prefix[i] = (unsigned char)((uint64_t)text.length >> 8 * i);
    }
    if (!lw_file_open(&created->file, path, LW_FILE_CREATE_NEW, error) ||
        !lw_file_stream_create(&created->stream, created->file, error) ||
        (digest && !lw_sha256_create(&created->sha, error)) ||
        !put(created, 0, prefix, sizeof prefix, error) ||
        !put(created, sizeof prefix, text.data, text.length, error)) {
        goto error;
    }
    lw_string_free(&text);
    *writer = created;
    return true;
error:
    lw_string_free(&text);
    lw_safetensors_writer_destroy(created);
    return false;
}

// Goes to the tensor that the next byte belongs to; false when all are full.
static bool has_room(struct lw_safetensors_writer *writer)
{
    while (writer->current < writer->count &&
           writer->written == writer->places[writer->current].bytes) {
        writer->current++;
        writer->written = 0;
    }
    return writer->current < writer->count;
}

bool lw_safetensors_writer_add(
    struct lw_safetensors_writer *writer, const void *bytes, size_t size, struct lw_error *error)
{
    const char *next = bytes;
    while (size) {
        if (!has_room(writer)) {
            return lw_fail(error, LW_FAILED, "%s: %zu bytes more than its tensors have",
                lw_file_path(writer->file), size);
        }
        const struct place *place = &writer->places[writer->current];
        uint64_t room = place->bytes - writer->written;
        size_t part = size < room ? size : (size_t)room;
        if (!put(writer, place->offset + writer->written, next, part, error)) {
            return false;
        }
        writer->written += part;
        next += part;
        size -= part;
    }
    return true;
}

bool lw_safetensors_writer_finish(struct lw_safetensors_writer *writer, struct lw_error *error)
{
    if (has_room(writer)) {
        return lw_fail(error, LW_FAILED, "%s: only %zu of its %zu tensors were written",
            lw_file_path(writer->file), writer->current, writer->count);
    }
    if (!lw_file_stream_flush(writer->stream, error) || !lw_file_sync(writer->file, error)) {
        return false;
    }
    uint64_t bytes;
    return !writer->wants_digest ||
           (writer->sha ? lw_sha256_finish(writer->sha, writer->digest, error)
                        : lw_sha256_file(
                              lw_file_path(writer->file), writer->digest, &bytes, NULL, error));
}

const char *lw_safetensors_writer_digest(const struct lw_safetensors_writer *writer)
{
    return writer->digest;
}

void lw_safetensors_writer_destroy(struct lw_safetensors_writer *writer)
{
    if (writer) {
        lw_sha256_destroy(writer->sha);
        lw_file_stream_destroy(writer->stream);
        lw_file_close(writer->file);
        lw_free(writer->places);
        lw_free(writer);
    }
}
