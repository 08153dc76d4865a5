// SPDX-License-Identifier: Apache-2.0
// A whole file as read-only memory: the system reads what is looked at and may drop it again. Hides
// mmap and MapViewOfFile. Errors as in file.h. A file that is mapped must be replaced by another
// (lw_file_rename), never written to or cut short.
#ifndef LW_BASE_FILE_MAP_H
#define LW_BASE_FILE_MAP_H

#include <stddef.h>

#include "engine/base/error.h"

struct lw_file_map;

// On success *map is for lw_file_map_close. The file may be removed or replaced meanwhile (on Windows
// the system refuses that); the mapping keeps its content.
bool lw_file_map_open(struct lw_file_map **map, const char *path, struct lw_error *error);
void lw_file_map_close(struct lw_file_map *map); // NULL: nothing

// Where it begins, at a page; NULL for an empty file.
const unsigned char *lw_file_map_bytes(const struct lw_file_map *map);
size_t lw_file_map_size(const struct lw_file_map *map);

// Takes the pages that were looked at out of this process's memory. The content stays as it is where
// it is; the next look at it costs a page fault.
void lw_file_map_release(const struct lw_file_map *map);

#endif
