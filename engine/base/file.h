// SPDX-License-Identifier: Apache-2.0
// Files: handles with positional reads and writes, whole small files, and small files replaced as a
// whole or not at all. Hides POSIX and Windows; paths are UTF-8 with '/' (on Windows '\' too).
// Failures name the path, the system's reason and what to do; a path that cannot be used (absent,
// no permission, a folder) is LW_BAD_INPUT, a device that fails or is full LW_FAILED.
// Folders are in folder.h.
#ifndef LW_BASE_FILE_H
#define LW_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum lw_file_mode {
    LW_FILE_READ,       // an existing file
    LW_FILE_UPDATE,     // an existing file, read and written
    LW_FILE_CREATE,     // a new file or an old one emptied, read and written
    LW_FILE_CREATE_NEW, // a new file; one that is there already is an error
};

struct lw_file;

// On success *file is an open handle for lw_file_close. A folder is refused.
bool lw_file_open(
    struct lw_file **file, const char *path, enum lw_file_mode mode, struct lw_error *error);

// NULL does nothing. What a write left in the system's caches may still fail later: call
// lw_file_sync first where that matters.
void lw_file_close(struct lw_file *file);

const char *lw_file_path(const struct lw_file *file); // as it was opened

bool lw_file_size(struct lw_file *file, uint64_t *bytes, struct lw_error *error);

// Which file is at a path, and by what one sees that it was written to since: no program can set
// `changed` to a time of its choice. Times in nanoseconds since 1970.
struct lw_file_stamp {
    uint64_t device, number; // of the file in its file system
    uint64_t size;
    int64_t modified, changed; // content; content or anything else about the file
    int64_t taken;             // when it was looked at
    bool is_regular;           // no pipe or device, of which nothing here says anything
};

// Does not open the file.
bool lw_file_stamp(const char *path, struct lw_file_stamp *stamp, struct lw_error *error);

// Takes the one lock that a file has among all processes, until it is closed; *locked is false while
// another handle has it, true where the file system has no locks. Never waits.
bool lw_file_lock(struct lw_file *file, bool *locked, struct lw_error *error);

// Reads exactly `size` bytes at `offset`; a file that ends before is LW_BAD_INPUT. Several threads
// may read and write one handle at a time.
bool lw_file_read_at(
    struct lw_file *file, uint64_t offset, void *bytes, size_t size, struct lw_error *error);

// Reads up to `size` bytes from where the last call of this function ended; works on pipes. *got is
// 0 at the end only. For one thread at a time.
bool lw_file_read_next(
    struct lw_file *file, void *bytes, size_t size, size_t *got, struct lw_error *error);

// Writes all `size` bytes at `offset`, past the end as well.
bool lw_file_write_at(
    struct lw_file *file, uint64_t offset, const void *bytes, size_t size, struct lw_error *error);

// A hint: these bytes, which may lie past the end, will be read soon. Nothing where the system has no
// such call.
void lw_file_read_ahead(struct lw_file *file, uint64_t offset, uint64_t size);

// Whether the next writes of the handle go past the system's cache, which then take whole blocks of
// 4 KiB of file and memory alike; false where the system or the file system has no such writes, and
// nothing has changed.
bool lw_file_direct(struct lw_file *file, bool direct);

// A hint: these bytes, just written, may go to the disk now and not only at lw_file_sync, which then
// has less to wait for. Nothing where the system has no such call.
void lw_file_write_back(struct lw_file *file, uint64_t offset, uint64_t size);

// Returns when the content is on the disk.
bool lw_file_sync(struct lw_file *file, struct lw_error *error);

// The whole file as *size bytes with a zero byte after them that does not count, for lw_free. A
// file of more than `limit` bytes is LW_BAD_INPUT.
bool lw_file_read_whole(
    const char *path, size_t limit, char **bytes, size_t *size, struct lw_error *error);

// Puts `size` bytes into the file `path`, new or replaced: written beside, synced, renamed, so that
// after a crash the path holds the old content or the new one, never a part. The file written
// beside is `path` with ".tmp" after it.
bool lw_file_write_whole(const char *path, const void *bytes, size_t size, struct lw_error *error);

// Copies the bytes of a file to a new or emptied file and syncs it.
bool lw_file_copy(const char *from, const char *to, struct lw_error *error);

bool lw_file_exists(const char *path); // a file that can be looked at; false for a folder
bool lw_file_remove(const char *path, struct lw_error *error);

// Gives a file or folder another name, in the same file system; an existing file `to` is replaced,
// an existing folder only when it is empty. The change is on the disk when this returns.
bool lw_file_rename(const char *from, const char *to, struct lw_error *error);

#endif
