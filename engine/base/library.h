// SPDX-License-Identifier: Apache-2.0
// A shared library opened at run time, so that a machine without it gets a sentence instead of a
// loader failure.
#ifndef LW_BASE_LIBRARY_H
#define LW_BASE_LIBRARY_H

#include "engine/base/error.h"

struct lw_library;

// Opens the first of `names` (NULL-terminated) that the system finds. NULL when none is there;
// `error` then names the last one and the system's reason.
struct lw_library *lw_library_open(const char *const *names, struct lw_error *error);
void lw_library_close(struct lw_library *library);

typedef void (*lw_symbol)(void);

// NULL when the library has no such function.
lw_symbol lw_library_symbol(struct lw_library *library, const char *name);

#endif
