// SPDX-License-Identifier: Apache-2.0
// See progress_line.h.
#include "cli/progress_line.h"

#include <stdarg.h>

#include "engine/base/clock.h"
#include "engine/base/terminal.h"

bool lw_progress_due(const struct lw_progress_line *line)
{
    return (!line->shown || lw_clock_seconds() - line->last >= 0.1) && lw_terminal_is(line->stream);
}

void lw_progress_draw(struct lw_progress_line *line, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int width = (int)lw_terminal_columns(line->stream) - 1;
    fprintf(line->stream, "\r%.*s\x1b[K", width > 0 ? width : 1, text);
    fflush(line->stream);
    line->shown = true;
    line->last = lw_clock_seconds();
}

void lw_progress_clear(struct lw_progress_line *line)
{
    if (line->shown) {
        fputs("\r\x1b[K", line->stream);
        fflush(line->stream);
        line->shown = false;
    }
}

void lw_progress_duration(char *text, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e8)) {
        snprintf(text, 32, "?");
        return;
    }
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (whole >= 3600) {
        snprintf(text, 32, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, 32, "%lu:%02lu", whole / 60, whole % 60);
    }
}
