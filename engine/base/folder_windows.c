// SPDX-License-Identifier: Apache-2.0
// Folders on Windows. See folder.h and platform.h.
#include "engine/base/folder.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "engine/base/alloc.h"
#include "engine/base/platform.h"
#include "engine/base/platform_windows.h"
#include "engine/base/stringbuf.h"

enum lw_path_kind lw_path_look(const char *path)
{
    wchar_t *wide = lw_wide_of_utf8(path, NULL);
    DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    lw_free(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return LW_PATH_ABSENT;
    }
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        return LW_PATH_FILE;
    }
    return attributes & FILE_ATTRIBUTE_REPARSE_POINT ? LW_PATH_FOLDER_LINK : LW_PATH_FOLDER;
}

bool lw_folder_exists(const char *path)
{
    enum lw_path_kind kind = lw_path_look(path);
    return kind == LW_PATH_FOLDER || kind == LW_PATH_FOLDER_LINK;
}

bool lw_folder_create_one(const char *path, struct lw_error *error)
{
    wchar_t *wide = lw_wide_of_utf8(path, error);
    bool done = wide && CreateDirectoryW(wide, NULL);
    if (wide && !done) {
        DWORD code = GetLastError();
        done = code == ERROR_ALREADY_EXISTS && lw_folder_exists(path);
        if (!done) {
            SetLastError(code);
            lw_fail_last_error(error, "create the folder", path);
        }
    }
    lw_free(wide);
    return done;
}

bool lw_folder_remove_empty(const char *path, struct lw_error *error)
{
    wchar_t *wide = lw_wide_of_utf8(path, error);
    bool done =
        wide && (RemoveDirectoryW(wide) || lw_fail_last_error(error, "remove the folder", path));
    lw_free(wide);
    return done;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool add_name(
    struct lw_folder_list *list, const WIN32_FIND_DATAW *entry, struct lw_error *error)
{
    if (wcscmp(entry->cFileName, L".") == 0 || wcscmp(entry->cFileName, L"..") == 0) {
        return true;
    }
    char *name = NULL;
    if (!lw_reserve(&list->names, &list->capacity, list->count + 1, sizeof *list->names, error) ||
        !(name = lw_utf8_of_wide(entry->cFileName, error))) {
        return false;
    }
    list->names[list->count++] = name;
    return true;
}

bool lw_folder_list(const char *path, struct lw_folder_list *list, struct lw_error *error)
{
    struct lw_string pattern = {0};
    wchar_t *wide = NULL;
    WIN32_FIND_DATAW entry;
    bool done = false;
    if (!lw_path_join(&pattern, path, "*", error) ||
        !(wide = lw_wide_of_utf8(lw_string_text(&pattern), error))) {
        goto error;
    }
    HANDLE search = FindFirstFileW(wide, &entry);
    if (search == INVALID_HANDLE_VALUE) {
        lw_fail_last_error(error, "list the folder", path);
        goto error;
    }
    do {
        done = add_name(list, &entry, error);
    } while (done && FindNextFileW(search, &entry));
    if (done && GetLastError() != ERROR_NO_MORE_FILES) {
        done = lw_fail_last_error(error, "list the folder", path);
    }
    FindClose(search);
    if (done && list->count) {
        qsort(list->names, list->count, sizeof *list->names, compare_names);
    }
error:
    lw_string_free(&pattern);
    lw_free(wide);
    return done;
}

// NTFS journals its folders and offers no way to sync one; renames are written through.
bool lw_folder_sync(const char *path, struct lw_error *error)
{
    return lw_folder_exists(path) ||
           lw_fail(error, LW_BAD_INPUT, "cannot write to disk the folder %s: there is none", path);
}

bool lw_folder_free_bytes_in(const char *path, unsigned long long *bytes, struct lw_error *error)
{
    wchar_t *wide = lw_wide_of_utf8(path, error);
    ULARGE_INTEGER available;
    available.QuadPart = 0;
    bool done = wide && (GetDiskFreeSpaceExW(wide, &available, NULL, NULL) ||
                            lw_fail_last_error(error, "ask for the free space at", path));
    *bytes = available.QuadPart;
    lw_free(wide);
    return done;
}

bool lw_folder_cache(const char *override, struct lw_string *path, struct lw_error *error)
{
    if (override && override[0]) {
        return lw_path_join(path, NULL, override, error);
    }
    const char *local = lw_environment("LOCALAPPDATA");
    if (!local) {
        return lw_fail(error, LW_FAILED, "no cache folder: LOCALAPPDATA is not set. Set it");
    }
    return lw_path_join(path, local, "lewin", error);
}
