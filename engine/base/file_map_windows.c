// SPDX-License-Identifier: Apache-2.0
// Mapped files on Windows. See file_map.h.
#include "engine/base/file_map.h"

#include <stdint.h>
#include <windows.h>

#include "engine/base/alloc.h"
#include "engine/base/platform.h"
#include "engine/base/platform_windows.h"

struct lw_file_map {
    void *bytes; // NULL for an empty file
    size_t size;
};

static bool map_handle(
    struct lw_file_map *map, HANDLE handle, const char *path, struct lw_error *error)
{
    LARGE_INTEGER size;
    if (!GetFileSizeEx(handle, &size)) {
        return lw_fail_last_error(error, "look at", path);
    }
    if ((uint64_t)size.QuadPart > SIZE_MAX) {
        return lw_fail(error, LW_FAILED, "cannot map %s: a 32-bit program cannot hold it", path);
    }
    map->size = (size_t)size.QuadPart;
    if (map->size == 0) {
        return true;
    }
    HANDLE section = CreateFileMappingW(handle, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!section) {
        return lw_fail_last_error(error, "map", path);
    }
    map->bytes = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
    bool mapped = map->bytes || lw_fail_last_error(error, "map", path);
    CloseHandle(section); // the view does not need it
    return mapped;
}

bool lw_file_map_open(struct lw_file_map **map, const char *path, struct lw_error *error)
{
    *map = NULL;
    struct lw_file_map *made = lw_calloc(1, sizeof *made, error);
    wchar_t *wide = made ? lw_wide_of_utf8(path, error) : NULL;
    bool mapped = wide != NULL;
    if (mapped) {
        HANDLE handle =
            CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        mapped = handle != INVALID_HANDLE_VALUE ? map_handle(made, handle, path, error)
                                                : lw_fail_last_error(error, "open", path);
        if (handle != INVALID_HANDLE_VALUE) {
            CloseHandle(handle);
        }
    }
    lw_free(wide);
    if (!mapped) {
        lw_file_map_close(made);
        return false;
    }
    *map = made;
    return true;
}

void lw_file_map_close(struct lw_file_map *map)
{
    if (map) {
        if (map->bytes) {
            UnmapViewOfFile(map->bytes);
        }
        lw_free(map);
    }
}

const unsigned char *lw_file_map_bytes(const struct lw_file_map *map)
{
    return map->bytes;
}

size_t lw_file_map_size(const struct lw_file_map *map)
{
    return map->size;
}

void lw_file_map_release(const struct lw_file_map *map)
{
    // To unlock pages that are not locked is documented to take them out of the working set.
    if (map->bytes) {
        (void)VirtualUnlock(map->bytes, map->size);
    }
}
