// SPDX-License-Identifier: Apache-2.0
// Writing a token cache. See token_writer.h.
#include "trainer/data/token_writer.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "trainer/data/token_format.h"

enum { buffer_bytes = 1 << 20, fault_bytes = 1 << 20 };

// Where the blocks of one kind were put.
struct block_table {
    struct lw_token_block *items;
    size_t count, capacity;
};

struct lw_token_writer {
    struct lw_file *file;
    unsigned char *buffer; // what follows the first `written` bytes of the file
    size_t buffered;
    uint64_t written;
    struct lw_hash body, tokens;
    struct lw_token_row *rows; // [LW_TOKEN_ROWS_PER_BLOCK] of the block being filled
    size_t row_count;
    struct lw_string faults; // of the block being filled
    struct block_table row_blocks, fault_blocks;
    struct lw_token_counts counts;
    bool finished;
};

bool lw_token_writer_open(struct lw_token_writer **writer, const char *path, struct lw_error *error)
{
    *writer = NULL;
    struct lw_token_writer *made = lw_calloc(1, sizeof *made, error);
    if (!made) {
        return false;
    }
    lw_hash_start(&made->body, 0);
    lw_hash_start(&made->tokens, 0);
    made->buffer = lw_calloc(buffer_bytes, 1, error);
    made->rows =
        made->buffer ? lw_calloc(LW_TOKEN_ROWS_PER_BLOCK, sizeof *made->rows, error) : NULL;
    if (!made->rows || !lw_file_open(&made->file, path, LW_FILE_CREATE, error)) {
        lw_token_writer_close(made);
        return false;
    }
    *writer = made;
    return true;
}

void lw_token_writer_close(struct lw_token_writer *writer)
{
    if (!writer) {
        return;
    }
    if (writer->file && !writer->finished) {
        lw_file_remove(lw_file_path(writer->file), NULL);
    }
    lw_file_close(writer->file);
    lw_free(writer->buffer);
    lw_free(writer->rows);
    lw_string_free(&writer->faults);
    lw_free(writer->row_blocks.items);
    lw_free(writer->fault_blocks.items);
    lw_free(writer);
}

static bool flush(struct lw_token_writer *writer, struct lw_error *error)
{
    lw_hash_add(&writer->body, writer->buffer, writer->buffered);
    if (!lw_file_write_at(writer->file, writer->written, writer->buffer, writer->buffered, error)) {
        return false;
    }
    // So that the end does not wait for gigabytes.
    lw_file_write_back(writer->file, writer->written, writer->buffered);
    writer->written += writer->buffered;
    writer->buffered = 0;
    return true;
}

static bool put(
    struct lw_token_writer *writer, const void *bytes, size_t size, struct lw_error *error)
{
    const unsigned char *next = bytes;
    while (size) {
        size_t room = buffer_bytes - writer->buffered, part = size < room ? size : room;
        memcpy(writer->buffer + writer->buffered, next, part);
        writer->buffered += part;
        next += part;
        size -= part;
        if (writer->buffered == buffer_bytes && !flush(writer, error)) {
            return false;
        }
    }
    return true;
}

static uint64_t position(const struct lw_token_writer *writer)
{
    return writer->written + writer->buffered;
}

static bool align(struct lw_token_writer *writer, struct lw_error *error)
{
    static const unsigned char zeros[LW_TOKEN_ALIGNMENT];
    size_t over = (size_t)(position(writer) % LW_TOKEN_ALIGNMENT);
    return !over || put(writer, zeros, LW_TOKEN_ALIGNMENT - over, error);
}

static bool put_block(struct lw_token_writer *writer, struct block_table *table, const void *bytes,
    size_t size, struct lw_error *error)
{
    if (!lw_reserve(
            &table->items, &table->capacity, table->count + 1, sizeof *table->items, error)) {
        return false;
    }
    table->items[table->count++] = (struct lw_token_block){position(writer), size};
    return put(writer, bytes, size, error);
}

static bool flush_rows(struct lw_token_writer *writer, struct lw_error *error)
{
    size_t count = writer->row_count;
    writer->row_count = 0;
    return put_block(
        writer, &writer->row_blocks, writer->rows, count * sizeof *writer->rows, error);
}

static bool flush_faults(struct lw_token_writer *writer, struct lw_error *error)
{
    bool done =
        put_block(writer, &writer->fault_blocks, writer->faults.data, writer->faults.length, error);
    lw_string_clear(&writer->faults);
    return done;
}

bool lw_token_writer_add(struct lw_token_writer *writer, const struct lw_token_row *row,
    const uint32_t *ids, const uint8_t *trained, struct lw_error *error)
{
    struct lw_token_row *kept = &writer->rows[writer->row_count];
    *kept = *row;
    kept->offset = position(writer);
    lw_hash_add(&writer->tokens, &row->count, sizeof row->count);
    if (row->count) {
        size_t id_bytes = row->count * sizeof *ids;
        lw_hash_add(&writer->tokens, ids, id_bytes);
        lw_hash_add(&writer->tokens, trained, row->count);
        if (!put(writer, ids, id_bytes, error) || !put(writer, trained, row->count, error) ||
            !align(writer, error)) {
            return false;
        }
    }
    writer->row_count++;
    writer->counts.records += !(row->flags & LW_ROW_BAD);
    writer->counts.rows++;
    writer->counts.tokens += row->count;
    writer->counts.trained += row->trained;
    return writer->row_count < LW_TOKEN_ROWS_PER_BLOCK || flush_rows(writer, error);
}

bool lw_token_writer_add_fault(
    struct lw_token_writer *writer, const struct lw_token_fault *fault, struct lw_error *error)
{
    static const char zeros[LW_TOKEN_ALIGNMENT];
    const struct lw_token_fault_head head = {
        fault->line, fault->file, fault->is_row, (uint32_t)strlen(fault->reason), 0};
    size_t fill = LW_TOKEN_ALIGNMENT - head.length % LW_TOKEN_ALIGNMENT;
    if (!lw_string_add(&writer->faults, (const char *)&head, sizeof head, error) ||
        !lw_string_add(&writer->faults, fault->reason, head.length, error) ||
        !lw_string_add(&writer->faults, zeros, fill, error)) {
        return false;
    }
    writer->counts.records++;
    writer->counts.faults++;
    if (writer->faults.length >= fault_bytes && !flush_faults(writer, error)) {
        return false;
    }
    const struct lw_token_row empty = {
        .line = fault->line, .file = fault->file, .flags = LW_ROW_BAD};
    return !fault->is_row || lw_token_writer_add(writer, &empty, NULL, NULL, error);
}

bool lw_token_writer_finish(struct lw_token_writer *writer, const char *key, struct lw_error *error)
{
    if ((writer->row_count && !flush_rows(writer, error)) ||
        (writer->faults.length && !flush_faults(writer, error))) {
        return false;
    }
    const struct block_table *rows = &writer->row_blocks, *faults = &writer->fault_blocks;
    struct lw_token_tail tail = {.version = LW_TOKEN_CACHE_VERSION,
        .byte_order = LW_TOKEN_BYTE_ORDER,
        .row_blocks = position(writer),
        .row_block_count = rows->count,
        .fault_block_count = faults->count,
        .key_length = strlen(key),
        .counts = writer->counts,
        .tokens_hash = lw_hash_value(&writer->tokens)};
    tail.fault_blocks = tail.row_blocks + rows->count * sizeof *rows->items;
    tail.key = tail.fault_blocks + faults->count * sizeof *faults->items;
    if (!put(writer, rows->items, rows->count * sizeof *rows->items, error) ||
        !put(writer, faults->items, faults->count * sizeof *faults->items, error) ||
        !put(writer, key, tail.key_length + 1, error) || !align(writer, error) ||
        !flush(writer, error)) {
        return false;
    }
    memcpy(tail.magic, LW_TOKEN_MAGIC, sizeof tail.magic);
    tail.size = writer->written + sizeof tail;
    tail.body_hash = lw_hash_value(&writer->body);
    tail.tail_hash = lw_hash_bytes(&tail, offsetof(struct lw_token_tail, tail_hash), 0);
    writer->finished = lw_file_write_at(writer->file, writer->written, &tail, sizeof tail, error) &&
                       lw_file_sync(writer->file, error);
    return writer->finished;
}
