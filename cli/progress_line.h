// SPDX-License-Identifier: Apache-2.0
// A line on a terminal that is drawn again and again. Nothing is printed where `stream` is no
// terminal.
#ifndef LW_CLI_PROGRESS_LINE_H
#define LW_CLI_PROGRESS_LINE_H

#include "engine/base/error.h"

#include <stdio.h>

// Zero-initialise but for the stream.
struct lw_progress_line {
    FILE *stream;
    bool shown;
    double last; // seconds of the clock when it was last drawn
};

// Whether it is time to draw: the stream is a terminal, and a tenth of a second has passed.
bool lw_progress_due(const struct lw_progress_line *line);

// Replaces the line, cut to the terminal's width.
LW_PRINTF(2, 3)
void lw_progress_draw(struct lw_progress_line *line, const char *format, ...);

// Takes the line away, so that other text can be printed.
void lw_progress_clear(struct lw_progress_line *line);

// Puts "1:02:03" or "2:03" for `seconds` into `text` of at least 32 bytes; "?" for what is no time.
void lw_progress_duration(char *text, double seconds);

#endif
