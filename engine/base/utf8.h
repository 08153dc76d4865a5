// SPDX-License-Identifier: Apache-2.0
// UTF-8: checking, reading and writing single characters, and replacing what is no UTF-8.
#ifndef LW_BASE_UTF8_H
#define LW_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/stringbuf.h"

enum lw_utf8_kind {
    LW_UTF8_CHARACTER, // a whole character
    LW_UTF8_INVALID,   // bytes that begin no character, whatever follows
    LW_UTF8_INCOMPLETE // the beginning of a character, cut off by the end of the text
};

// What stands at the beginning of `text`: its bytes, the character if there is one.
struct lw_utf8_step {
    enum lw_utf8_kind kind;
    unsigned length;    // bytes to step over, at least 1
    uint32_t character; // for LW_UTF8_CHARACTER
};

// Looks at the first of `length` (at least 1) bytes. Invalid bytes are grouped as the Unicode
// standard recommends (maximal subparts, table 3-8), like Rust and Python do.
struct lw_utf8_step lw_utf8_next(const char *text, size_t length);

// Writes `character` (at most 0x10FFFF) in UTF-8 and returns the number of bytes.
unsigned lw_utf8_write(uint32_t character, char bytes[4]);

// The length of the part of `text` before its first byte that is not UTF-8 (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF); `length` when all is valid.
size_t lw_utf8_valid_length(const char *text, size_t length);

// Appends `text` with each invalid group, also an incomplete one at the end, as U+FFFD.
bool lw_utf8_add_lossy(
    struct lw_string *out, const char *text, size_t length, struct lw_error *error);

#endif
