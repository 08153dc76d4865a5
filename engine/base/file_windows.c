// SPDX-License-Identifier: Apache-2.0
// File handles on Windows. See file.h.
#include "engine/base/file.h"

#include <string.h>
#include <windows.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/folder.h"
#include "engine/base/platform.h"
#include "engine/base/platform_windows.h"
#include "engine/base/stringbuf.h"

struct lw_file {
    HANDLE handle;
    char *path;
    uint64_t position; // of lw_file_read_next
    bool is_disk;      // else a pipe or console, which has no positions
};

static DWORD call_size(size_t size)
{
    return size < (size_t)1 << 30 ? (DWORD)size : (DWORD)1 << 30;
}

static OVERLAPPED at_offset(uint64_t offset)
{
    OVERLAPPED place;
    memset(&place, 0, sizeof place);
    place.Offset = (DWORD)offset;
    place.OffsetHigh = (DWORD)(offset >> 32);
    return place;
}

bool lw_file_open(
    struct lw_file **file, const char *path, enum lw_file_mode mode, struct lw_error *error)
{
    static const struct {
        DWORD access, disposition;
        const char *action;
    } modes[] = {
        [LW_FILE_READ] = {GENERIC_READ, OPEN_EXISTING, "open"},
        [LW_FILE_UPDATE] = {GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, "open"},
        [LW_FILE_CREATE] = {GENERIC_READ | GENERIC_WRITE, CREATE_ALWAYS, "create"},
        [LW_FILE_CREATE_NEW] = {GENERIC_READ | GENERIC_WRITE, CREATE_NEW, "create"},
    };
    *file = NULL;
    wchar_t *wide = lw_wide_of_utf8(path, error);
    struct lw_file *opened = wide ? lw_calloc(1, sizeof *opened, error) : NULL;
    if (!opened) {
        goto error;
    }
    opened->handle = INVALID_HANDLE_VALUE;
    opened->path = lw_strdup(path, error);
    if (!opened->path) {
        goto error;
    }
    opened->handle = CreateFileW(wide, modes[mode].access,
        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, modes[mode].disposition,
        FILE_ATTRIBUTE_NORMAL, NULL);
    if (opened->handle == INVALID_HANDLE_VALUE) {
        lw_fail_last_error(error, modes[mode].action, path);
        goto error;
    }
    opened->is_disk = GetFileType(opened->handle) == FILE_TYPE_DISK;
    lw_free(wide);
    *file = opened;
    return true;
error:
    lw_free(wide);
    lw_file_close(opened);
    return false;
}

void lw_file_close(struct lw_file *file)
{
    if (!file) {
        return;
    }
    if (file->handle != INVALID_HANDLE_VALUE) {
        CloseHandle(file->handle);
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
    LARGE_INTEGER size;
    size.QuadPart = 0;
    if (file->is_disk && !GetFileSizeEx(file->handle, &size)) {
        return lw_fail_last_error(error, "look at", file->path);
    }
    *bytes = (uint64_t)size.QuadPart;
    return true;
}

// From 100 nanoseconds since 1601.
static int64_t nanoseconds(LARGE_INTEGER time)
{
    return (time.QuadPart - 116444736000000000) * 100;
}

bool lw_file_stamp(const char *path, struct lw_file_stamp *stamp, struct lw_error *error)
{
    BY_HANDLE_FILE_INFORMATION identity;
    FILE_BASIC_INFO times;
    struct lw_file *file;
    *stamp = (struct lw_file_stamp){.taken = lw_clock_wall()};
    if (!lw_file_open(&file, path, LW_FILE_READ, error)) {
        return false;
    }
    stamp->is_regular = file->is_disk;
    bool done = !file->is_disk || (GetFileInformationByHandle(file->handle, &identity) &&
                                      GetFileInformationByHandleEx(
                                          file->handle, FileBasicInfo, &times, sizeof times));
    if (!done) {
        lw_fail_last_error(error, "look at", path);
    } else if (file->is_disk) {
        stamp->device = identity.dwVolumeSerialNumber;
        stamp->number = (uint64_t)identity.nFileIndexHigh << 32 | identity.nFileIndexLow;
        stamp->size = (uint64_t)identity.nFileSizeHigh << 32 | identity.nFileSizeLow;
        stamp->modified = nanoseconds(times.LastWriteTime);
        stamp->changed = nanoseconds(times.ChangeTime);
    }
    lw_file_close(file);
    return done;
}

bool lw_file_lock(struct lw_file *file, bool *locked, struct lw_error *error)
{
    OVERLAPPED place = at_offset(0);
    DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    *locked = LockFileEx(file->handle, flags, 0, 1, 0, &place) != 0;
    return *locked || GetLastError() == ERROR_LOCK_VIOLATION ||
           lw_fail_last_error(error, "lock", file->path);
}

// One read; *got is 0 at the end.
static bool read_some(struct lw_file *file, OVERLAPPED *place, void *bytes, size_t size, DWORD *got,
    struct lw_error *error)
{
    *got = 0;
    if (ReadFile(file->handle, bytes, call_size(size), got, place)) {
        return true;
    }
    DWORD code = GetLastError();
    return code == ERROR_HANDLE_EOF || code == ERROR_BROKEN_PIPE ||
           lw_fail_last_error(error, "read", file->path);
}

bool lw_file_read_at(
    struct lw_file *file, uint64_t offset, void *bytes, size_t size, struct lw_error *error)
{
    char *next = bytes;
    while (size) {
        OVERLAPPED place = at_offset(offset);
        DWORD got;
        if (!read_some(file, &place, next, size, &got, error)) {
            return false;
        }
        if (got == 0) {
            return lw_fail(error, LW_BAD_INPUT,
                "cannot read %s: it ends at byte %llu, %llu bytes too early. The file is cut short",
                file->path, (unsigned long long)offset, (unsigned long long)size);
        }
        next += got;
        offset += got;
        size -= got;
    }
    return true;
}

bool lw_file_read_next(
    struct lw_file *file, void *bytes, size_t size, size_t *got, struct lw_error *error)
{
    OVERLAPPED place = at_offset(file->position);
    DWORD part;
    bool done = read_some(file, file->is_disk ? &place : NULL, bytes, size, &part, error);
    *got = part;
    file->position += part;
    return done;
}

bool lw_file_write_at(
    struct lw_file *file, uint64_t offset, const void *bytes, size_t size, struct lw_error *error)
{
    const char *next = bytes;
    while (size) {
        OVERLAPPED place = at_offset(offset);
        DWORD written;
        if (!WriteFile(file->handle, next, call_size(size), &written, &place)) {
            return lw_fail_last_error(error, "write", file->path);
        }
        next += written;
        offset += written;
        size -= written;
    }
    return true;
}

void lw_file_read_ahead(struct lw_file *file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
}

bool lw_file_direct(struct lw_file *file, bool direct)
{
    (void)file;
    (void)direct;
    return false;
}

void lw_file_write_back(struct lw_file *file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
}

bool lw_file_sync(struct lw_file *file, struct lw_error *error)
{
    return FlushFileBuffers(file->handle) || lw_fail_last_error(error, "write to disk", file->path);
}

bool lw_file_exists(const char *path)
{
    wchar_t *wide = lw_wide_of_utf8(path, NULL);
    DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    lw_free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

bool lw_file_remove(const char *path, struct lw_error *error)
{
    wchar_t *wide = lw_wide_of_utf8(path, error);
    bool done = wide && (DeleteFileW(wide) || lw_fail_last_error(error, "remove", path));
    lw_free(wide);
    return done;
}

bool lw_file_rename(const char *from, const char *to, struct lw_error *error)
{
    wchar_t *source = lw_wide_of_utf8(from, error);
    wchar_t *target = lw_wide_of_utf8(to, error);
    struct lw_string action = {0};
    bool done = source && target && lw_string_addf(&action, error, "rename %s to", from);
    if (done) {
        RemoveDirectoryW(target); // an empty folder gives way; anything else stays and is reported
        done = MoveFileExW(source, target, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) ||
               lw_fail_last_error(error, lw_string_text(&action), to);
    }
    lw_string_free(&action);
    lw_free(source);
    lw_free(target);
    return done;
}
