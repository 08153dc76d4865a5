// SPDX-License-Identifier: Apache-2.0
// Is it UTF-8? As RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef LW_BASE_UTF8_H
#define LW_BASE_UTF8_H

#include <stddef.h>

// The length of the part of `text` before its first malformed sequence; `length` when all is valid.
size_t lw_utf8_valid_length(const char *text, size_t length);

#endif
