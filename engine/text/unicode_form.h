// SPDX-License-Identifier: Apache-2.0
// Unicode's normalization forms (UAX #15). Hides utf8proc.
#ifndef LW_TEXT_UNICODE_FORM_H
#define LW_TEXT_UNICODE_FORM_H

#include <stdint.h>

#include "engine/base/stringbuf.h"

enum lw_unicode_form { LW_FORM_NFC, LW_FORM_NFD, LW_FORM_NFKC, LW_FORM_NFKD };

// Memory of the characters of a text; zero-initialise, keep for the next text.
struct lw_characters {
    int32_t *items;
    size_t count, capacity;
};

void lw_characters_free(struct lw_characters *characters);

// Whether `length` bytes of UTF-8 are surely in the form already. No is not certain.
bool lw_unicode_has_form(enum lw_unicode_form form, const char *text, size_t length);

// Appends the form of `length` bytes of UTF-8 to `out`. The time is O(n log n) for any text.
bool lw_unicode_write_form(enum lw_unicode_form form, const char *text, size_t length,
    struct lw_characters *memory, struct lw_string *out, struct lw_error *error);

#endif
