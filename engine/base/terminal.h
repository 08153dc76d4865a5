// SPDX-License-Identifier: Apache-2.0
// What the program needs to know of the terminal: whether there is one, how wide it is, and whether
// it takes colours. Hides the POSIX and Windows calls; only cli/ asks.
#ifndef LW_BASE_TERMINAL_H
#define LW_BASE_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

// Whether `stream` is a terminal that a person looks at. On Windows this also turns on its
// understanding of ANSI escape sequences.
bool lw_terminal_is(FILE *stream);

// The terminal's width in columns, 80 where it cannot be known.
unsigned lw_terminal_columns(FILE *stream);

#endif
