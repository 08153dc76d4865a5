// SPDX-License-Identifier: Apache-2.0
// Writes large files range after range, past the system's page cache where it has such writes: no
// second copy of the bytes, no pages of others pushed out, and nothing left to wait for at the end.
// Called by the writers of engine/io.
#ifndef LW_BASE_FILE_STREAM_H
#define LW_BASE_FILE_STREAM_H

#include "engine/base/file.h"

struct lw_file_stream;

// `file` must outlive the stream, and nobody else write to it. Takes 8 MiB.
bool lw_file_stream_create(
    struct lw_file_stream **stream, struct lw_file *file, struct lw_error *error);

// Writes `size` bytes at `offset`; fastest where the last range ended. They may stay in the stream
// until the next flush.
bool lw_file_stream_write(struct lw_file_stream *stream, uint64_t offset, const void *bytes,
    size_t size, struct lw_error *error);
// Hands the system all that is in the stream; lw_file_sync then sees to the disk.
bool lw_file_stream_flush(struct lw_file_stream *stream, struct lw_error *error);

// What was not flushed is lost. NULL: nothing.
void lw_file_stream_destroy(struct lw_file_stream *stream);

#endif
