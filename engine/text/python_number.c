// SPDX-License-Identifier: Apache-2.0
// Numbers in Python's spelling. CPython: json/scanner.py (NUMBER_RE), Python/pystrtod.c (format 'r').
#include "engine/text/python_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789";

size_t lw_python_number_length(const char *text)
{
    const char *at = text + (*text == '-');
    size_t count = *at == '0' ? 1 : strspn(at, digits);
    if (count == 0) {
        return 0;
    }
    at += count;
    if (*at == '.' && strspn(at + 1, digits) > 0) {
        at += 1 + strspn(at + 1, digits);
    }
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1 + (at[1] == '-' || at[1] == '+');
        if (strspn(power, digits) > 0) {
            at = power + strspn(power, digits);
        }
    }
    return (size_t)(at - text);
}

// "d.ddde±xx" with as few digits as read back as the same value.
static void print_shortest(char text[32], double value)
{
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, 32, "%.*e", precision, value);
        if (strtod(text, NULL) == value) {
            return;
        }
    }
}

static bool write_double(struct lw_string *out, double value, struct lw_error *error)
{
    char text[32], mantissa[32];
    if (isinf(value)) {
        return lw_string_addf(out, error, "%sInfinity", value < 0 ? "-" : "");
    }
    print_shortest(text, fabs(value));
    int power = atoi(strchr(text, 'e') + 1);
    size_t length = strcspn(text, "e");
    if (signbit(value) && !lw_string_add(out, "-", 1, error)) {
        return false;
    }
    if (power < -4 || power >= 16) {
        return lw_string_addf(
            out, error, "%.*se%c%02d", (int)length, text, power < 0 ? '-' : '+', abs(power));
    }
    // The digits without their point.
    mantissa[0] = text[0];
    size_t count = length > 1 ? length - 1 : 1;
    memcpy(mantissa + 1, text + 2, count - 1);
    if (power < 0) {
        return lw_string_addf(out, error, "0.%.*s%.*s", -power - 1, "000", (int)count, mantissa);
    }
    size_t whole = (size_t)power + 1;
    if (count <= whole) {
        return lw_string_addf(out, error, "%.*s%.*s.0", (int)count, mantissa, (int)(whole - count),
            "0000000000000000");
    }
    return lw_string_addf(
        out, error, "%.*s.%.*s", (int)whole, mantissa, (int)(count - whole), mantissa + whole);
}

bool lw_python_number_write(
    struct lw_string *out, const char *number, size_t length, struct lw_error *error)
{
    if (strcspn(number, ".eE") < length) {
        return write_double(out, strtod(number, NULL), error);
    }
    // Python's integers know no -0.
    bool zero = length == 2 && memcmp(number, "-0", 2) == 0;
    return lw_string_add(out, zero ? "0" : number, zero ? 1 : length, error);
}
