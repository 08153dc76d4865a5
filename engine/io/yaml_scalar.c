// SPDX-License-Identifier: Apache-2.0
// See yaml_scalar.h. The forms of numbers are those of PyYAML's patterns, not of YAML's text: an
// exponent takes a point before it and a sign, octal is 017, and colons make base 60.
#include "engine/io/yaml_scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Longer plain scalars are no numbers that anybody means.
enum { NUMBER_BYTES = 64 };

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

// Bytes of `text` that are all of `characters`.
static size_t span(const char *text, const char *characters)
{
    return strspn(text, characters);
}

// Copies the text without underscores.
static void without_underscores(const char *text, char *plain)
{
    for (; *text; text++) {
        if (*text != '_') {
            *plain++ = *text;
        }
    }
    *plain = 0;
}

// DIGITS of base 2, 8 or 16; false when there is none but underscores.
static bool read_base(const char *digits, int base, double *number)
{
    *number = 0;
    bool any = false;
    for (; *digits; digits++) {
        if (*digits == '_') {
            continue;
        }
        const char one[2] = {*digits, 0};
        *number = *number * base + (double)strtol(one, NULL, base);
        any = true;
    }
    return any;
}

// A:B:C in base 60; the last may have a point.
static double read_base_60(char *text)
{
    double number = 0;
    for (char *next = text; next;) {
        char *colon = strchr(next, ':');
        if (colon) {
            *colon++ = 0;
        }
        number = number * 60 + strtod(next, NULL);
        next = colon;
    }
    return number;
}

// ":NN" parts, NN below 60; NULL where another form begins.
static const char *skip_base_60(const char *text)
{
    while (*text == ':') {
        size_t digits = span(text + 1, "0123456789");
        if (digits < 1 || digits > 2 || (digits == 2 && text[1] > '5')) {
            return NULL;
        }
        text += 1 + digits;
    }
    return text;
}

static bool read_integer(const char *text, double *number)
{
    static const char decimal[] = "0123456789_";
    char plain[NUMBER_BYTES];
    size_t length = strlen(text);
    if (text[0] == '0' && text[1] == 'b' && length > 2) {
        return span(text + 2, "01_") == length - 2 && read_base(text + 2, 2, number);
    }
    if (text[0] == '0' && text[1] == 'x' && length > 2) {
        return span(text + 2, "0123456789abcdefABCDEF_") == length - 2 &&
               read_base(text + 2, 16, number);
    }
    if (text[0] == '0' && length > 1) {
        return span(text, "01234567_") == length && read_base(text, 8, number);
    }
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    const char *end = skip_base_60(text + span(text, decimal));
    if (!end || *end || (text[0] == '0' && strchr(text, ':'))) {
        return false;
    }
    without_underscores(text, plain);
    *number = read_base_60(plain);
    return true;
}

// [eE][-+]DIGITS or nothing, to the end.
static bool is_exponent(const char *text)
{
    if (!*text) {
        return true;
    }
    if ((*text != 'e' && *text != 'E') || (text[1] != '-' && text[1] != '+')) {
        return false;
    }
    size_t digits = span(text + 2, "0123456789");
    return digits && !text[2 + digits];
}

static bool read_decimal(const char *text, bool is_signed, double *number)
{
    static const char decimal[] = "0123456789_";
    char plain[NUMBER_BYTES];
    bool leading = *text >= '0' && *text <= '9';
    const char *point = text + (leading ? span(text, decimal) : 0);
    if (leading && *point == ':') {
        point = skip_base_60(point);
        if (!point || *point != '.' || point[1 + span(point + 1, decimal)]) {
            return false;
        }
    } else if (*point != '.' || !is_exponent(point + 1 + span(point + 1, decimal)) ||
               (!leading && (is_signed || point[1] < '0' || point[1] > '9'))) {
        return false;
    }
    without_underscores(text, plain);
    *number = read_base_60(plain);
    return true;
}

static bool read_number(const char *text, double *number)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    bool is_signed = *text == '-' || *text == '+';
    const char *digits = text + is_signed;
    if (strlen(text) >= NUMBER_BYTES) {
        return false;
    }
    if (is_one_of(text, nans)) {
        *number = NAN;
        return true;
    }
    if (is_one_of(digits, infinities)) {
        *number = INFINITY;
    } else if (!read_integer(digits, number) && !read_decimal(digits, is_signed, number)) {
        return false;
    }
    *number = *text == '-' ? -*number : *number;
    return true;
}

enum lw_yaml_kind lw_yaml_resolve(const char *text, double *number)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {
        "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
    static const char *const no[] = {
        "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
    *number = 0;
    if (is_one_of(text, nulls)) {
        return LW_YAML_NULL;
    }
    if (is_one_of(text, yes) || is_one_of(text, no)) {
        *number = is_one_of(text, yes);
        return LW_YAML_BOOL;
    }
    return read_number(text, number) ? LW_YAML_NUMBER : LW_YAML_TEXT;
}
