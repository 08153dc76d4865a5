// SPDX-License-Identifier: Apache-2.0
// File handles on POSIX. See file.h.
#ifdef __linux__
#define _GNU_SOURCE // sync_file_range, O_DIRECT
#elif defined __APPLE__
#define _DARWIN_C_SOURCE // flock
#else
#define _DEFAULT_SOURCE // flock
#endif
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/folder.h"
#include "engine/base/platform.h"
#include "engine/base/stringbuf.h"

struct lw_file {
    int descriptor;
    char *path;
};

// One system call moves at most this much: some systems refuse more than INT_MAX.
static size_t call_size(size_t size)
{
    return size < (size_t)1 << 30 ? size : (size_t)1 << 30;
}

static bool refuse_folder(struct lw_file *file, struct lw_error *error)
{
    struct stat status;
    if (fstat(file->descriptor, &status) != 0) {
        return lw_fail_last_error(error, "look at", file->path);
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return lw_fail_last_error(error, "open", file->path);
    }
    return true;
}

bool lw_file_open(
    struct lw_file **file, const char *path, enum lw_file_mode mode, struct lw_error *error)
{
    static const struct {
        int flags;
        const char *action;
    } modes[] = {
        [LW_FILE_READ] = {O_RDONLY, "open"},
        [LW_FILE_UPDATE] = {O_RDWR, "open"},
        [LW_FILE_CREATE] = {O_RDWR | O_CREAT | O_TRUNC, "create"},
        [LW_FILE_CREATE_NEW] = {O_RDWR | O_CREAT | O_EXCL, "create"},
    };
    *file = NULL;
    struct lw_file *opened = lw_calloc(1, sizeof *opened, error);
    if (!opened) {
        return false;
    }
    opened->descriptor = -1;
    opened->path = lw_strdup(path, error);
    if (!opened->path) {
        goto error;
    }
    do {
        opened->descriptor = open(path, modes[mode].flags | O_CLOEXEC, 0666);
    } while (opened->descriptor < 0 && errno == EINTR);
    if (opened->descriptor < 0) {
        lw_fail_last_error(error, modes[mode].action, path);
        goto error;
    }
    if (!refuse_folder(opened, error)) {
        goto error;
    }
    *file = opened;
    return true;
error:
    lw_file_close(opened);
    return false;
}

void lw_file_close(struct lw_file *file)
{
    if (!file) {
        return;
    }
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    lw_free(file->path);
    lw_free(file);
}

const char *lw_file_path(const struct lw_file *file)
{
    return file->path;
}

bool lw_file_size(struct lw_file *file, uint64_t *bytes, struct lw_error *error)
{
    struct stat status;
    if (fstat(file->descriptor, &status) != 0) {
        return lw_fail_last_error(error, "look at", file->path);
    }
    *bytes = (uint64_t)status.st_size;
    return true;
}

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool lw_file_stamp(const char *path, struct lw_file_stamp *stamp, struct lw_error *error)
{
    struct stat status;
    int64_t taken = lw_clock_wall();
    if (stat(path, &status) != 0) {
        return lw_fail_last_error(error, "open", path);
    }
    *stamp = (struct lw_file_stamp){.device = (uint64_t)status.st_dev,
        .number = (uint64_t)status.st_ino,
        .size = (uint64_t)status.st_size,
        .modified = nanoseconds(status.st_mtim),
        .changed = nanoseconds(status.st_ctim),
        .taken = taken,
        .is_regular = S_ISREG(status.st_mode)};
    return true;
}

bool lw_file_lock(struct lw_file *file, bool *locked, struct lw_error *error)
{
    int result;
    do {
        result = flock(file->descriptor, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    // Some file systems, over a network above all, have no locks to give.
    *locked = result == 0 || errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
    return *locked || errno == EWOULDBLOCK || lw_fail_last_error(error, "lock", file->path);
}

bool lw_file_read_at(
    struct lw_file *file, uint64_t offset, void *bytes, size_t size, struct lw_error *error)
{
    char *next = bytes;
    while (size) {
        ssize_t got = pread(file->descriptor, next, call_size(size), (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return lw_fail_last_error(error, "read", file->path);
        }
        if (got == 0) {
            return lw_fail(error, LW_BAD_INPUT,
                "cannot read %s: it ends at byte %llu, %zu bytes too early. The file is cut short",
                file->path, (unsigned long long)offset, size);
        }
        next += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

bool lw_file_read_next(
    struct lw_file *file, void *bytes, size_t size, size_t *got, struct lw_error *error)
{
    ssize_t result;
    *got = 0;
    do {
        result = read(file->descriptor, bytes, call_size(size));
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return lw_fail_last_error(error, "read", file->path);
    }
    *got = (size_t)result;
    return true;
}

bool lw_file_write_at(
    struct lw_file *file, uint64_t offset, const void *bytes, size_t size, struct lw_error *error)
{
    const char *next = bytes;
    while (size) {
        ssize_t written = pwrite(file->descriptor, next, call_size(size), (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return lw_fail_last_error(error, "write", file->path);
        }
        next += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return true;
}

void lw_file_read_ahead(struct lw_file *file, uint64_t offset, uint64_t size)
{
#ifdef __linux__
    (void)posix_fadvise(file->descriptor, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
#else
    (void)file;
    (void)offset;
    (void)size;
#endif
}

bool lw_file_direct(struct lw_file *file, bool direct)
{
#ifdef __linux__
    int flags = fcntl(file->descriptor, F_GETFL);
    int wanted = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
    return flags >= 0 && fcntl(file->descriptor, F_SETFL, wanted) == 0 && direct;
#else
    (void)file;
    (void)direct;
    return false;
#endif
}

void lw_file_write_back(struct lw_file *file, uint64_t offset, uint64_t size)
{
#ifdef __linux__
    (void)sync_file_range(file->descriptor, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)file;
    (void)offset;
    (void)size;
#endif
}

bool lw_file_sync(struct lw_file *file, struct lw_error *error)
{
    int result;
    do {
        result = fsync(file->descriptor);
    } while (result != 0 && errno == EINTR);
    return result == 0 || lw_fail_last_error(error, "write to disk", file->path);
}

bool lw_file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool lw_file_remove(const char *path, struct lw_error *error)
{
    return unlink(path) == 0 || lw_fail_last_error(error, "remove", path);
}

bool lw_file_rename(const char *from, const char *to, struct lw_error *error)
{
    struct lw_string parent = {0}, action = {0};
    bool done = false;
    // Before the rename, so that a lack of memory leaves everything as it was.
    if (!lw_path_parent(&parent, to, error) ||
        !lw_string_addf(&action, error, "rename %s to", from)) {
        goto cleanup;
    }
    done = rename(from, to) == 0 ? lw_folder_sync(lw_string_text(&parent), error)
                                 : lw_fail_last_error(error, lw_string_text(&action), to);
cleanup:
    lw_string_free(&parent);
    lw_string_free(&action);
    return done;
}
