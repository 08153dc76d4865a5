// SPDX-License-Identifier: Apache-2.0
// Windows' wide paths, for the Windows files of engine/base alone.
#ifndef LW_BASE_PLATFORM_WINDOWS_H
#define LW_BASE_PLATFORM_WINDOWS_H

#include <wchar.h>

#include "engine/base/error.h"

// UTF-8 to UTF-16, for lw_free; NULL with `error` filled when `text` is no UTF-8 or memory is out.
wchar_t *lw_wide_of_utf8(const char *text, struct lw_error *error);

// The other way round, for lw_free.
char *lw_utf8_of_wide(const wchar_t *text, struct lw_error *error);

#endif
