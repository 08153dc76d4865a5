// SPDX-License-Identifier: Apache-2.0
// Message formatting and filtering. See log.h.
#include "engine/base/log.h"

#include <stdarg.h>
#include <stdio.h>

void lw_log(const struct lw_log *log, enum lw_log_level level, const char *format, ...)
{
    if (!log || !log->write || level < log->level) {
        return;
    }
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log->write(log->context, level, message);
}
