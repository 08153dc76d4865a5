// SPDX-License-Identifier: Apache-2.0
// A growing byte string. See stringbuf.h.
#include "engine/base/stringbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"

bool lw_string_add(
    struct lw_string *string, const void *bytes, size_t length, struct lw_error *error)
{
    if (!lw_reserve(&string->data, &string->capacity, string->length + length + 1, 1, error)) {
        return false;
    }
    if (length) {
        memcpy(string->data + string->length, bytes, length);
    }
    string->length += length;
    string->data[string->length] = 0;
    return true;
}

bool lw_string_addf(struct lw_string *string, struct lw_error *error, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t needed = string->length + (size_t)(length < 0 ? 0 : length) + 1;
    bool room = lw_reserve(&string->data, &string->capacity, needed, 1, error);
    if (room && length >= 0) {
        vsnprintf(string->data + string->length, (size_t)length + 1, format, again);
        string->length += (size_t)length;
    }
    va_end(again);
    return room;
}

void lw_string_clear(struct lw_string *string)
{
    string->length = 0;
    if (string->data) {
        string->data[0] = 0;
    }
}

void lw_string_free(struct lw_string *string)
{
    lw_free(string->data);
    *string = (struct lw_string){0};
}

const char *lw_string_text(const struct lw_string *string)
{
    return string->data ? string->data : "";
}
