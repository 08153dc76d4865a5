// SPDX-License-Identifier: Apache-2.0
// POSIX: errno, path separators, the environment. See platform.h.
#define _POSIX_C_SOURCE 200809L
#include "engine/base/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/environment.h"

static enum lw_system_reason reason_of(int code)
{
    switch (code) {
    case ENOENT:
        return LW_REASON_ABSENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return LW_REASON_PERMISSION;
    case ENOSPC:
#ifdef EDQUOT
    case EDQUOT:
#endif
        return LW_REASON_DISK_FULL;
    case ENOMEM:
        return LW_REASON_MEMORY;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return LW_REASON_UNUSABLE;
    case EEXIST:
    case ENOTEMPTY:
        return LW_REASON_EXISTS;
    default:
        return LW_REASON_OTHER;
    }
}

bool lw_fail_last_error(struct lw_error *error, const char *action, const char *path)
{
    int code = errno;
    char text[256];
    if (strerror_r(code, text, sizeof text) != 0) {
        memcpy(text, "unknown reason", sizeof "unknown reason");
    }
    return lw_fail_system(error, action, path, reason_of(code), text);
}

bool lw_path_is_separator(char character)
{
    return character == '/';
}

bool lw_path_is_absolute(const char *path)
{
    return path[0] == '/';
}

const char *lw_environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

void lw_environment_default(const char *name, const char *value)
{
    setenv(name, value, 0);
}
