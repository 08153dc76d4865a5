// SPDX-License-Identifier: Apache-2.0
// What is made of file handles alone: whole files, the atomic replacement, copies. See file.h.
#include "engine/base/file.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"

bool lw_file_read_whole(
    const char *path, size_t limit, char **bytes, size_t *size, struct lw_error *error)
{
    *bytes = NULL;
    *size = 0;
    struct lw_file *file = NULL;
    char *content = NULL;
    size_t length = 0, capacity = 0;
    uint64_t expected;
    if (!lw_file_open(&file, path, LW_FILE_READ, error) || !lw_file_size(file, &expected, error)) {
        goto error;
    }
    // The size is a hint only: a pipe says 0, and a file may grow meanwhile.
    size_t first = expected < limit ? (size_t)expected : limit;
    if (!lw_reserve(&content, &capacity, first + 2, 1, error)) {
        goto error;
    }
    for (;;) {
        size_t got;
        if (!lw_reserve(&content, &capacity, length + 2, 1, error) ||
            !lw_file_read_next(file, content + length, capacity - length - 1, &got, error)) {
            goto error;
        }
        if (got == 0) {
            break;
        }
        length += got;
        if (length > limit) {
            lw_fail(error, LW_BAD_INPUT, "cannot read %s: it has more than %zu bytes", path, limit);
            goto error;
        }
    }
    lw_file_close(file);
    content[length] = 0;
    *bytes = content;
    *size = length;
    return true;
error:
    lw_file_close(file);
    lw_free(content);
    return false;
}

bool lw_file_write_whole(const char *path, const void *bytes, size_t size, struct lw_error *error)
{
    struct lw_file *file = NULL;
    struct lw_string beside = {0};
    bool done = lw_string_addf(&beside, error, "%s.tmp", path) &&
                lw_file_open(&file, lw_string_text(&beside), LW_FILE_CREATE, error);
    if (done) {
        done = lw_file_write_at(file, 0, bytes, size, error) && lw_file_sync(file, error);
        lw_file_close(file);
        done = done && lw_file_rename(lw_string_text(&beside), path, error);
        if (!done) {
            lw_file_remove(lw_string_text(&beside), NULL);
        }
    }
    lw_string_free(&beside);
    return done;
}

bool lw_file_copy(const char *from, const char *to, struct lw_error *error)
{
    enum { CHUNK = 1 << 20 };
    struct lw_file *source = NULL, *target = NULL;
    char *chunk = lw_calloc(CHUNK, 1, error);
    bool done = chunk && lw_file_open(&source, from, LW_FILE_READ, error) &&
                lw_file_open(&target, to, LW_FILE_CREATE, error);
    uint64_t offset = 0;
    while (done) {
        size_t got;
        done = lw_file_read_next(source, chunk, CHUNK, &got, error);
        if (!done || got == 0) {
            break;
        }
        done = lw_file_write_at(target, offset, chunk, got, error);
        offset += got;
    }
    done = done && lw_file_sync(target, error);
    lw_file_close(source);
    lw_file_close(target);
    lw_free(chunk);
    return done;
}
