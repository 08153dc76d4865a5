// SPDX-License-Identifier: Apache-2.0
// UTF-8 by table 3-7 of the Unicode standard: what the second byte may be depends on the first.
#include "engine/base/utf8.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; // U+FFFD

// How a character begins: its length in bytes and the range of its second byte.
struct lead {
    unsigned length;
    unsigned char low, high;
};

static struct lead lead_of(unsigned char byte)
{
    if (byte < 0x80) {
        return (struct lead){1, 0, 0};
    }
    if (byte < 0xC2 || byte > 0xF4) {
        return (struct lead){0, 0, 0};
    }
    if (byte < 0xE0) {
        return (struct lead){2, 0x80, 0xBF};
    }
    if (byte < 0xF0) {
        // No overlong forms below U+0800, no surrogates.
        return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
    }
    return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
}

struct lw_utf8_step lw_utf8_next(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    struct lead lead = lead_of(bytes[0]);
    if (lead.length == 1) {
        return (struct lw_utf8_step){LW_UTF8_CHARACTER, 1, bytes[0]};
    }
    if (lead.length == 0) {
        return (struct lw_utf8_step){LW_UTF8_INVALID, 1, 0};
    }
    uint32_t character = bytes[0] & (0x7Fu >> lead.length);
    for (unsigned i = 1; i < lead.length; i++) {
        if (i == length) {
            return (struct lw_utf8_step){LW_UTF8_INCOMPLETE, i, 0};
        }
        unsigned char low = i == 1 ? lead.low : 0x80;
        unsigned char high = i == 1 ? lead.high : 0xBF;
        if (bytes[i] < low || bytes[i] > high) {
            return (struct lw_utf8_step){LW_UTF8_INVALID, i, 0};
        }
        character = character << 6 | (bytes[i] & 0x3Fu);
    }
    return (struct lw_utf8_step){LW_UTF8_CHARACTER, lead.length, character};
}

unsigned lw_utf8_write(uint32_t character, char bytes[4])
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    unsigned length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (unsigned i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    bytes[0] = (char)((0xF00u >> length & 0xFF) | character);
    return length;
}

// Steps over ASCII eight bytes at a time.
static size_t skip_ascii(const char *text, size_t at, size_t length)
{
    while (length - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        at += sizeof word;
    }
    return at;
}

size_t lw_utf8_valid_length(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        at = skip_ascii(text, at, length);
        if (at == length) {
            break;
        }
        struct lw_utf8_step step = lw_utf8_next(text + at, length - at);
        if (step.kind != LW_UTF8_CHARACTER) {
            return at;
        }
        at += step.length;
    }
    return length;
}

bool lw_utf8_add_lossy(
    struct lw_string *out, const char *text, size_t length, struct lw_error *error)
{
    size_t at = 0;
    while (at < length) {
        size_t good = lw_utf8_valid_length(text + at, length - at);
        if (!lw_string_add(out, text + at, good, error)) {
            return false;
        }
        at += good;
        if (at < length) {
            if (!lw_string_add(out, replacement, sizeof replacement - 1, error)) {
                return false;
            }
            at += lw_utf8_next(text + at, length - at).length;
        }
    }
    return true;
}
