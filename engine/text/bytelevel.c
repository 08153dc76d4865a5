// SPDX-License-Identifier: Apache-2.0
// Reading the byte-level alphabet. Bytes that print in Latin-1 stand for themselves (! to ~, ¡ to ¬,
// ® to ÿ); the other 68 are written U+0100, U+0101, ... in their order.
#include "engine/text/bytelevel.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"

// The byte that a character of the alphabet stands for, or -1.
static int byte_of(uint32_t character)
{
    if ((character >= 0x21 && character <= 0x7E) || (character >= 0xA1 && character <= 0xAC) ||
        (character >= 0xAE && character <= 0xFF)) {
        return (int)character;
    }
    if (character >= 0x100 && character <= 0x120) {
        return (int)(character - 0x100); // 00 to 20
    }
    if (character >= 0x121 && character <= 0x142) {
        return (int)(character - 0x121 + 0x7F); // 7F to A0
    }
    return character == 0x143 ? 0xAD : -1;
}

size_t lw_bytelevel_map(char *bytes, const char *text, size_t length, bool *opaque)
{
    size_t count = 0;
    *opaque = false;
    for (size_t at = 0; at < length;) {
        struct lw_utf8_step step = lw_utf8_next(text + at, length - at);
        int byte = step.kind == LW_UTF8_CHARACTER ? byte_of(step.character) : -1;
        if (byte < 0) {
            *opaque = true;
            memcpy(bytes, text, length);
            return length;
        }
        bytes[count++] = (char)byte;
        at += step.length;
    }
    return count;
}

bool lw_bytelevel_read(
    struct lw_string *out, const char *text, size_t length, bool *opaque, struct lw_error *error)
{
    if (!lw_reserve(&out->data, &out->capacity, length + 1, 1, error)) {
        return false;
    }
    out->length = lw_bytelevel_map(out->data, text, length, opaque);
    out->data[out->length] = 0;
    return true;
}
