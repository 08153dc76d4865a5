// SPDX-License-Identifier: Apache-2.0
// Mapped files on POSIX. See file_map.h.
#define _DEFAULT_SOURCE // madvise
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "engine/base/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/platform.h"

struct lw_file_map {
    void *bytes; // NULL for an empty file
    size_t size;
};

static bool map_descriptor(
    struct lw_file_map *map, int descriptor, const char *path, struct lw_error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return lw_fail_last_error(error, "look at", path);
    }
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : ENODEV;
        return lw_fail_last_error(error, "map", path);
    }
    if ((uintmax_t)status.st_size > SIZE_MAX) {
        errno = EFBIG;
        return lw_fail_last_error(error, "map", path);
    }
    map->size = (size_t)status.st_size;
    if (map->size == 0) {
        return true;
    }
    void *bytes = mmap(NULL, map->size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (bytes == MAP_FAILED) {
        return lw_fail_last_error(error, "map", path);
    }
    map->bytes = bytes;
    return true;
}

bool lw_file_map_open(struct lw_file_map **map, const char *path, struct lw_error *error)
{
    *map = NULL;
    struct lw_file_map *made = lw_calloc(1, sizeof *made, error);
    if (!made) {
        return false;
    }
    int descriptor;
    do {
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    bool mapped = descriptor >= 0 ? map_descriptor(made, descriptor, path, error)
                                  : lw_fail_last_error(error, "open", path);
    if (descriptor >= 0) {
        close(descriptor); // the mapping does not need it
    }
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
            munmap(map->bytes, map->size);
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
    if (map->bytes) {
        (void)madvise(map->bytes, map->size, MADV_DONTNEED);
    }
}
