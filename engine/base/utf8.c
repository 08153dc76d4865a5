// SPDX-License-Identifier: Apache-2.0
// UTF-8 validation. See utf8.h.
#include "engine/base/utf8.h"

// The length of the well-formed sequence at `text`, 0 when there is none: table 3-7 of the Unicode
// standard, in which only the second byte's range depends on the first.
static size_t sequence_length(const unsigned char *text, size_t left)
{
    unsigned first = text[0];
    if (first < 0x80) {
        return 1;
    }
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || left < length) {
        return 0;
    }
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xC0u) != 0x80) {
            return 0;
        }
    }
    return length;
}

size_t lw_utf8_valid_length(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t position = 0;
    while (position < length) {
        size_t step = sequence_length(bytes + position, length - position);
        if (!step) {
            break;
        }
        position += step;
    }
    return position;
}
