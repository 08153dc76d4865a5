// SPDX-License-Identifier: Apache-2.0
// Host memory. Every allocation of the library goes through here, so that a test can let the n-th
// one fail on every path.
#ifndef LW_BASE_ALLOC_H
#define LW_BASE_ALLOC_H

#include <stddef.h>

#include "engine/base/error.h"

// Zeroed memory for `count` objects of `size` bytes, at least one byte; NULL with `error` filled
// when there is none or the product overflows. Free with lw_free.
void *lw_calloc(size_t count, size_t size, struct lw_error *error);

// Resizes `memory` (NULL: allocates) to `count` objects of `size` bytes; the new part is not
// zeroed. On failure returns NULL, fills `error` and leaves `memory` as it was.
void *lw_realloc(void *memory, size_t count, size_t size, struct lw_error *error);

// A copy of the `length` bytes at `text` with a zero byte after them.
char *lw_strndup(const char *text, size_t length, struct lw_error *error);
char *lw_strdup(const char *text, struct lw_error *error);

void lw_free(void *memory);

// Makes room in a growing array: `*items` points to `*capacity` objects of `size` bytes and gets
// room for at least `needed`, doubling. False, with `error` filled, leaves the array as it was.
bool lw_reserve(void *items, size_t *capacity, size_t needed, size_t size, struct lw_error *error);

// Test hook: the allocation after `successes` further ones fails, once; negative turns it off.
void lw_memory_fail_after(long successes);

#endif
