// SPDX-License-Identifier: Apache-2.0
// White space and letters at the edges of a text, as \s and \w of Rust's regex crate see them.
#ifndef LW_TEXT_UNICODE_H
#define LW_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>

// Bytes of white space at the beginning and at the end of `length` bytes of UTF-8.
size_t lw_text_spaces_at_begin(const char *text, size_t length);
size_t lw_text_spaces_at_end(const char *text, size_t length);

// Whether the first or the last character is part of a word; false for an empty text.
bool lw_text_begins_with_word(const char *text, size_t length);
bool lw_text_ends_with_word(const char *text, size_t length);

#endif
