// SPDX-License-Identifier: Apache-2.0
// Character properties: White_Space is a list of 25 characters (PropList.txt), word characters are
// Alphabetic, Mark, Decimal_Number, Connector_Punctuation and Join_Control (UTS #18, annex C).
#include "engine/text/unicode.h"

#include <utf8proc.h>

#include "engine/base/utf8.h"

static bool is_space(uint32_t character)
{
    return (character >= 0x09 && character <= 0x0D) || character == 0x20 || character == 0x85 ||
           character == 0xA0 || character == 0x1680 ||
           (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
           character == 0x2029 || character == 0x202F || character == 0x205F || character == 0x3000;
}

static bool is_word(uint32_t character)
{
    switch (utf8proc_category((utf8proc_int32_t)character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        // Join_Control, and the symbols that are alphabetic: circled and squared letters.
        return character == 0x200C || character == 0x200D ||
               (character >= 0x24B6 && character <= 0x24E9) ||
               (character >= 0x1F130 && character <= 0x1F149) ||
               (character >= 0x1F150 && character <= 0x1F169) ||
               (character >= 0x1F170 && character <= 0x1F189);
    }
}

// The bytes of the last character of a text that is not empty.
static size_t last_length(const char *text, size_t length)
{
    size_t bytes = 1;
    while (bytes < length && bytes < 4 && ((unsigned char)text[length - bytes] & 0xC0) == 0x80) {
        bytes++;
    }
    return bytes;
}

size_t lw_text_spaces_at_begin(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        struct lw_utf8_step step = lw_utf8_next(text + at, length - at);
        if (!is_space(step.character)) {
            break;
        }
        at += step.length;
    }
    return at;
}

size_t lw_text_spaces_at_end(const char *text, size_t length)
{
    size_t end = length;
    while (end > 0) {
        size_t bytes = last_length(text, end);
        if (!is_space(lw_utf8_next(text + end - bytes, bytes).character)) {
            break;
        }
        end -= bytes;
    }
    return length - end;
}

bool lw_text_begins_with_word(const char *text, size_t length)
{
    return length > 0 && is_word(lw_utf8_next(text, length).character);
}

bool lw_text_ends_with_word(const char *text, size_t length)
{
    size_t bytes = length ? last_length(text, length) : 0;
    return bytes > 0 && is_word(lw_utf8_next(text + length - bytes, bytes).character);
}
