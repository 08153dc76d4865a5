// SPDX-License-Identifier: Apache-2.0
// Folders and paths: create, list, remove whole trees, the free space below a path, the user's cache
// folder. Hides POSIX and Windows. Errors as in file.h.
#ifndef LW_BASE_FOLDER_H
#define LW_BASE_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct lw_string;

bool lw_folder_exists(const char *path);

// Creates the folder and those above it that are missing; one that is there is success.
bool lw_folder_create(const char *path, struct lw_error *error);

// The entries of a folder, without "." and "..", in byte order.
struct lw_folder_list {
    char **names; // owned
    size_t count, capacity;
};

// Zero-initialise `list` before; lw_folder_list_free releases it, after a failure as well.
bool lw_folder_list(const char *path, struct lw_folder_list *list, struct lw_error *error);
void lw_folder_list_free(struct lw_folder_list *list);

// Sets *empty when the folder has no entries, or does not exist.
bool lw_folder_is_empty(const char *path, bool *empty, struct lw_error *error);

// Removes a folder, which must be empty and no symbolic link.
bool lw_folder_remove_empty(const char *path, struct lw_error *error);

// Removes a file or a folder with all that is in it. Symbolic links are removed, never followed. A
// path that does not exist is success.
bool lw_folder_remove(const char *path, struct lw_error *error);

// Returns when the folder's entries (new, renamed, removed) are on the disk.
bool lw_folder_sync(const char *path, struct lw_error *error);

// The bytes that this user can still write at `path`, which need not exist yet: the nearest folder
// above it that does is asked.
bool lw_folder_free_bytes(const char *path, uint64_t *bytes, struct lw_error *error);

// Puts the folder for this program's caches in `path`: `override` when it is not NULL or empty, else
// by the system's custom: $XDG_CACHE_HOME/lewin or $HOME/.cache/lewin, %LOCALAPPDATA%\lewin. Does
// not create it.
bool lw_folder_cache(const char *override, struct lw_string *path, struct lw_error *error);

// Sets `path` to FOLDER/NAME; with an empty or NULL folder, or an absolute name, to NAME.
bool lw_path_join(
    struct lw_string *path, const char *folder, const char *name, struct lw_error *error);

// Sets `parent` to the folder that holds `path`, "." for a plain name.
bool lw_path_parent(struct lw_string *parent, const char *path, struct lw_error *error);

// The part of `path` after the last separator; a separator at its end is not looked for.
const char *lw_path_name(const char *path);

#endif
