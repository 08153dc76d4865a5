// SPDX-License-Identifier: Apache-2.0
// What the POSIX and the Windows files of this folder share: the wording of a system failure, the
// separators of paths. For engine/base alone; nothing above includes it.
#ifndef LW_BASE_PLATFORM_H
#define LW_BASE_PLATFORM_H

#include "engine/base/error.h"

enum lw_system_reason {
    LW_REASON_OTHER,
    LW_REASON_ABSENT,     // no such file
    LW_REASON_PERMISSION, // not allowed to this user
    LW_REASON_DISK_FULL,  // no space, or the user's quota is used up
    LW_REASON_MEMORY,     // the system is out of memory
    LW_REASON_UNUSABLE,   // the path names something of the wrong kind
    LW_REASON_EXISTS,
};

// Fills `error` with "cannot ACTION PATH: TEXT. ADVICE". Always returns false.
bool lw_fail_system(struct lw_error *error, const char *action, const char *path,
    enum lw_system_reason reason, const char *text);

// The same for the reason that errno (POSIX) or GetLastError (Windows) holds now.
bool lw_fail_last_error(struct lw_error *error, const char *action, const char *path);

bool lw_path_is_separator(char character);
bool lw_path_is_absolute(const char *path);

// The value of an environment variable, or NULL when it is unset or empty. Not owned.
const char *lw_environment(const char *name);

// Makes one folder, whose parent exists; one that is there is success.
bool lw_folder_create_one(const char *path, struct lw_error *error);

enum lw_path_kind {
    LW_PATH_ABSENT,
    LW_PATH_FILE, // or anything that is removed like one, such as a POSIX symbolic link
    LW_PATH_FOLDER,
    LW_PATH_FOLDER_LINK, // a Windows link or junction to a folder, removed like an empty one
};

// What is at `path` itself; a symbolic link is not followed.
enum lw_path_kind lw_path_look(const char *path);

// lw_folder_free_bytes for a folder that exists.
bool lw_folder_free_bytes_in(const char *path, unsigned long long *bytes, struct lw_error *error);

#endif
