// SPDX-License-Identifier: Apache-2.0
// Error messages: formatting and context. See error.h.
#include "engine/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool lw_fail(struct lw_error *error, enum lw_status status, const char *format, ...)
{
    if (!error || error->status != LW_OK) {
        return false;
    }
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool lw_fail_in(struct lw_error *error, const char *format, ...)
{
    if (!error) {
        return false;
    }
    char inner[sizeof error->message];
    memcpy(inner, error->message, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof error->message) {
        length = (int)sizeof error->message - 1;
    }
    size_t left = sizeof error->message - (size_t)length;
    snprintf(error->message + length, left, ": %s", inner);
    return false;
}

bool lw_fail_advice(struct lw_error *error, const char *format, ...)
{
    if (!error) {
        return false;
    }
    size_t length = strlen(error->message), size = sizeof error->message;
    if (length + 2 < size) {
        memcpy(error->message + length, ". ", 3);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message + length + 2, size - length - 2, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool lw_fail_memory(struct lw_error *error, const char *what, unsigned long long bytes)
{
    return lw_fail(error, LW_NO_RESOURCE, "out of memory: %llu bytes for %s", bytes, what);
}
