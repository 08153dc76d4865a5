// SPDX-License-Identifier: Apache-2.0
// The alphabet of byte-level vocabularies (GPT-2's bytes_to_unicode): 256 printable characters, one
// for each byte, so that any bytes can be written as text in a JSON file ("Ġ" is a space).
#ifndef LW_TEXT_BYTELEVEL_H
#define LW_TEXT_BYTELEVEL_H

#include "engine/base/stringbuf.h"

// Writes the bytes that `text` (UTF-8) stands for and returns how many; `bytes` has room for
// `length`. `*opaque` tells that a character is not of the alphabet: they are then `text` itself, as
// HF's ByteLevel decoder has it.
size_t lw_bytelevel_map(char *bytes, const char *text, size_t length, bool *opaque);

// The same, replacing what `out` held.
bool lw_bytelevel_read(
    struct lw_string *out, const char *text, size_t length, bool *opaque, struct lw_error *error);

#endif
