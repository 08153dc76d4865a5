// SPDX-License-Identifier: Apache-2.0
// Folders on POSIX. See folder.h and platform.h.
#define _POSIX_C_SOURCE 200809L
#include "engine/base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/platform.h"
#include "engine/base/stringbuf.h"

bool lw_folder_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool lw_folder_create_one(const char *path, struct lw_error *error)
{
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    int code = errno;
    if (code == EEXIST && lw_folder_exists(path)) {
        return true; // another process was quicker
    }
    errno = code;
    return lw_fail_last_error(error, "create the folder", path);
}

bool lw_folder_remove_empty(const char *path, struct lw_error *error)
{
    return rmdir(path) == 0 || lw_fail_last_error(error, "remove the folder", path);
}

enum lw_path_kind lw_path_look(const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return LW_PATH_ABSENT;
    }
    return S_ISDIR(status.st_mode) ? LW_PATH_FOLDER : LW_PATH_FILE;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool lw_folder_list(const char *path, struct lw_folder_list *list, struct lw_error *error)
{
    DIR *folder = opendir(path);
    if (!folder) {
        return lw_fail_last_error(error, "list the folder", path);
    }
    bool done = true;
    while (done) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (!entry) {
            done = errno == 0 || lw_fail_last_error(error, "list the folder", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char *name = NULL;
        done = lw_reserve(
                   &list->names, &list->capacity, list->count + 1, sizeof *list->names, error) &&
               (name = lw_strdup(entry->d_name, error));
        if (done) {
            list->names[list->count++] = name;
        }
    }
    closedir(folder);
    if (done && list->count) {
        qsort(list->names, list->count, sizeof *list->names, compare_names);
    }
    return done;
}

bool lw_folder_sync(const char *path, struct lw_error *error)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return lw_fail_last_error(error, "open the folder", path);
    }
    // EINVAL: a file system that cannot sync folders (and has no need to, or no way).
    bool done = fsync(descriptor) == 0 || errno == EINVAL ||
                lw_fail_last_error(error, "write to disk the folder", path);
    close(descriptor);
    return done;
}

bool lw_folder_free_bytes_in(const char *path, unsigned long long *bytes, struct lw_error *error)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0) {
        return lw_fail_last_error(error, "ask for the free space at", path);
    }
    *bytes = (unsigned long long)status.f_bavail * status.f_frsize;
    return true;
}

bool lw_folder_cache(const char *override, struct lw_string *path, struct lw_error *error)
{
    if (override && override[0]) {
        return lw_path_join(path, NULL, override, error);
    }
    const char *cache = lw_environment("XDG_CACHE_HOME");
    if (cache && lw_path_is_absolute(cache)) { // the XDG specification ignores relative ones
        return lw_path_join(path, cache, "lewin", error);
    }
    const char *home = lw_environment("HOME");
    if (!home) {
        return lw_fail(error, LW_FAILED,
            "no cache folder: neither XDG_CACHE_HOME nor HOME is set. Set one of them");
    }
    return lw_path_join(path, home, ".cache/lewin", error);
}
