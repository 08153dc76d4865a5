// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known name nearest to one that somebody mistyped.
#ifndef LW_BASE_NEAREST_H
#define LW_BASE_NEAREST_H

#include <stddef.h>

// Of `count` names the one nearest to `text`, or NULL where none is near enough to be a slip of the
// keyboard. `names` is the address of the first pointer, `stride` the bytes from one to the next.
const char *lw_nearest_name(const char *text, const void *names, size_t count, size_t stride);

#endif
