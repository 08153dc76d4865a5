// SPDX-License-Identifier: Apache-2.0
// See file_stream.h. Direct writes take whole blocks of file and memory alike, so the bytes are
// gathered where address and offset are the same within a block; what is no whole block, at the
// ends of a range that others do not continue, is written the ordinary way.
#include "engine/base/file_stream.h"

#include <string.h>

#include "engine/base/alloc.h"

// A larger stage gains nothing on the disk, and holds the caller up for longer.
enum { block = 4096, stage_size = 1 << 20 };

struct lw_file_stream {
    struct lw_file *file;
    char *memory; // of the stage and up to a block more
    char *stage;  // [stage_size], begins with a block
    // In the stage lie the bytes of the file from `start` to `end`, the first of them at
    // start % block.
    uint64_t start, end;
    bool direct; // the system writes past its cache, as far as is known
};

bool lw_file_stream_create(
    struct lw_file_stream **stream, struct lw_file *file, struct lw_error *error)
{
    struct lw_file_stream *created = lw_calloc(1, sizeof *created, error);
    *stream = NULL;
    if (!created) {
        return false;
    }
    created->memory = lw_calloc(1, stage_size + block, error);
    if (!created->memory) {
        lw_free(created);
        return false;
    }
    created->file = file;
    created->stage = created->memory + (block - (uintptr_t)created->memory % block) % block;
    created->direct = true;
    *stream = created;
    return true;
}

// Writes the bytes up to `end`, which are in the stage, past the cache or the ordinary way.
static bool write_to(
    struct lw_file_stream *stream, uint64_t end, bool direct, struct lw_error *error)
{
    const char *bytes = stream->stage + stream->start % block;
    size_t size = (size_t)(end - stream->start);
    if (size == 0) {
        return true;
    }
    direct = direct && stream->direct && lw_file_direct(stream->file, true);
    bool written =
        lw_file_write_at(stream->file, stream->start, bytes, size, direct ? NULL : error);
    if (direct) {
        lw_file_direct(stream->file, false);
        // There are file systems that promise direct writes and refuse them, or their block is larger.
        stream->direct = written;
        written = written || lw_file_write_at(stream->file, stream->start, bytes, size, error);
    }
    if (written && !direct) {
        lw_file_write_back(stream->file, stream->start, size);
    }
    memmove(stream->stage + end % block, bytes + size, (size_t)(stream->end - end));
    stream->start = end;
    return written;
}

// Writes the whole blocks; what follows them too if `all`.
static bool empty_stage(struct lw_file_stream *stream, bool all, struct lw_error *error)
{
    uint64_t first = (stream->start + block - 1) / block * block,
             last = stream->end / block * block;
    if (first > last) {
        return !all || write_to(stream, stream->end, false, error);
    }
    return write_to(stream, first, false, error) && write_to(stream, last, true, error) &&
           (!all || write_to(stream, stream->end, false, error));
}

bool lw_file_stream_write(struct lw_file_stream *stream, uint64_t offset, const void *bytes,
    size_t size, struct lw_error *error)
{
    const char *next = bytes;
    if (offset != stream->end) {
        if (!lw_file_stream_flush(stream, error)) {
            return false;
        }
        stream->start = stream->end = offset;
    }
    while (size) {
        size_t place = (size_t)(stream->start % block + (stream->end - stream->start));
        size_t room = stage_size - place, part = size < room ? size : room;
        memcpy(stream->stage + place, next, part);
        stream->end += part;
        next += part;
        size -= part;
        if (part == room && !empty_stage(stream, false, error)) {
            return false;
        }
    }
    return true;
}

bool lw_file_stream_flush(struct lw_file_stream *stream, struct lw_error *error)
{
    return empty_stage(stream, true, error);
}

void lw_file_stream_destroy(struct lw_file_stream *stream)
{
    if (stream) {
        lw_free(stream->memory);
        lw_free(stream);
    }
}
