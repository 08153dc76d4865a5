// SPDX-License-Identifier: Apache-2.0
// The flags of a command: one table of rows per command, which reading the command line, `--help`
// and the documentation all come from. Used by every cmd_NAME.c.
#ifndef LW_CLI_ARGUMENTS_H
#define LW_CLI_ARGUMENTS_H

#include <stddef.h>
#include <stdio.h>

#include "engine/base/error.h"

enum lw_flag_kind {
    LW_FLAG_SWITCH, // bool, takes no value
    LW_FLAG_TEXT,   // const char *, points into argv
    LW_FLAG_COUNT,  // uint64_t, a decimal integer from 0 up
    LW_FLAG_NUMBER, // double, finite
    LW_FLAG_LIST    // struct lw_flag_list, one item each time the flag is given
};

enum { LW_FLAG_ITEMS = 32 };

struct lw_flag_list {
    const char *items[LW_FLAG_ITEMS]; // point into argv
    size_t count;
};

// A row. A table of rows ends at one whose name is NULL. Defaults are what the command puts into
// its structure before parsing.
struct lw_flag {
    const char *name; // without the dashes; one letter: -x, more: --xxx
    enum lw_flag_kind kind;
    size_t offset;          // of the value in the command's structure
    const char *value_name; // for --help, e.g. "N"; NULL for a switch
    const char *help;       // one sentence, no full stop
};

// Parses `argc` arguments (without the program's and the command's name). Flags may stand anywhere,
// as `--name value` or `--name=value`; after `--` everything is positional. Values are stored in
// `values`; positional arguments are moved to the front of `argv` in order and counted in
// `*positional_count`. Fails with LW_USAGE, naming the nearest flag for an unknown one.
bool lw_arguments_parse(const struct lw_flag *flags, void *values, int argc, char **argv,
    int *positional_count, struct lw_error *error);

// One line per flag, aligned.
void lw_arguments_print(const struct lw_flag *flags, FILE *stream);

#endif
