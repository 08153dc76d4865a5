// SPDX-License-Identifier: Apache-2.0
// Windows: GetLastError, wide paths, separators, the environment. See platform.h.
#include "engine/base/platform.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "engine/base/alloc.h"
#include "engine/base/environment.h"
#include "engine/base/platform_windows.h"

static enum lw_system_reason reason_of(DWORD code)
{
    switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
        return LW_REASON_ABSENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_WRITE_PROTECT:
        return LW_REASON_PERMISSION;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        return LW_REASON_DISK_FULL;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return LW_REASON_MEMORY;
    case ERROR_DIRECTORY:
    case ERROR_INVALID_NAME:
    case ERROR_FILENAME_EXCED_RANGE:
        return LW_REASON_UNUSABLE;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
    case ERROR_DIR_NOT_EMPTY:
        return LW_REASON_EXISTS;
    default:
        return LW_REASON_OTHER;
    }
}

bool lw_fail_last_error(struct lw_error *error, const char *action, const char *path)
{
    DWORD code = GetLastError();
    char text[256] = "";
    wchar_t wide[256];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
        code, 0, wide, sizeof wide / sizeof *wide, NULL);
    while (length && wcschr(L"\r\n. ", wide[length - 1])) {
        length--;
    }
    int size =
        WideCharToMultiByte(CP_UTF8, 0, wide, (int)length, text, (int)sizeof text - 1, NULL, NULL);
    text[size > 0 ? size : 0] = 0;
    return lw_fail_system(error, action, path, reason_of(code), text[0] ? text : "unknown reason");
}

wchar_t *lw_wide_of_utf8(const char *text, struct lw_error *error)
{
    int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (length <= 0) {
        lw_fail(error, LW_BAD_INPUT, "the path %s is not UTF-8", text);
        return NULL;
    }
    wchar_t *wide = lw_calloc((size_t)length, sizeof *wide, error);
    if (wide) {
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, length);
    }
    return wide;
}

char *lw_utf8_of_wide(const wchar_t *text, struct lw_error *error)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *narrow = lw_calloc((size_t)length + 1, 1, error);
    if (narrow) {
        WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, length, NULL, NULL);
    }
    return narrow;
}

bool lw_path_is_separator(char character)
{
    return character == '/' || character == '\\';
}

bool lw_path_is_absolute(const char *path)
{
    return lw_path_is_separator(path[0]) || (path[0] && path[1] == ':');
}

const char *lw_environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

void lw_environment_default(const char *name, const char *value)
{
    if (!getenv(name)) {
        _putenv_s(name, value);
    }
}
