// SPDX-License-Identifier: Apache-2.0
// A growing byte string, always followed by a zero byte that does not count.
#ifndef LW_BASE_STRINGBUF_H
#define LW_BASE_STRINGBUF_H

#include <stddef.h>

#include "engine/base/error.h"

// Zero-initialise before use; lw_string_free releases it and makes it empty again.
struct lw_string {
    char *data; // NULL while nothing was ever added
    size_t length, capacity;
};

bool lw_string_add(
    struct lw_string *string, const void *bytes, size_t length, struct lw_error *error);
LW_PRINTF(3, 4)
bool lw_string_addf(struct lw_string *string, struct lw_error *error, const char *format, ...);
void lw_string_clear(struct lw_string *string); // keeps the memory
void lw_string_free(struct lw_string *string);

// The text as a C string, "" while empty.
const char *lw_string_text(const struct lw_string *string);

#endif
