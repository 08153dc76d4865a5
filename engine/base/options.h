// SPDX-License-Identifier: Apache-2.0
// The one table of a set of options: name, type, place in the caller's structure, range, default and
// help. Recipe files (engine/io/options_file.h), `key=value` overrides, --help and the record of what
// ran all come from it. All failures are LW_USAGE, say where the value came from, and name the
// nearest known key for an unknown one.
#ifndef LW_BASE_OPTIONS_H
#define LW_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct lw_string;

// The member of the caller's structure that a value goes to, by type:
enum lw_option_type {
    LW_OPTION_BOOL,    // bool; true/false, yes/no, on/off, in YAML's spellings
    LW_OPTION_INTEGER, // int64_t
    LW_OPTION_NUMBER,  // double, finite
    LW_OPTION_STRING,  // char *, owned; NULL while unset
    LW_OPTION_CHOICE,  // int, the position in `choices`
    LW_OPTION_LIST,    // struct lw_option_list; "a,b" with spaces around the parts taken off
    LW_OPTION_MAP,     // struct lw_option_list of "name: value"; "{a: 1, b: x}", flat
    // Rows for keys of another program, whose files are read too. `choices` holds the keys.
    LW_OPTION_IGNORED, // struct lw_option_list, to which the name of each given key is added
    LW_OPTION_REFUSED, // no member; a key may be followed by the values that are harmless: "key=0|1"
    // Begins a group in the help; `name` is its title.
    LW_OPTION_HEADING,
};

struct lw_option_list {
    char **items; // owned, none empty
    size_t count;
};

// A row. A table of rows ends at one whose name is NULL.
struct lw_option {
    const char *name; // of IGNORED and REFUSED rows the title in the help
    enum lw_option_type type;
    size_t offset;              // offsetof the member
    double minimum, maximum;    // both included; of integers and numbers; both 0: no limits
    const char *const *choices; // of a choice, of ignored and refused keys; ends at NULL
    const char *default_text;   // as a user would write it; NULL: unset (zero, NULL, no items)
    const char *help;           // one sentence, no full stop; of refused keys the reason
};

// The row that takes the key `name`; NULL: there is none.
const struct lw_option *lw_options_find(const struct lw_option *table, const char *name);

// Sets every member to its default; what they held before is not freed. The defaults of a table
// must be right: a wrong one fails as if the user had written it.
bool lw_options_defaults(const struct lw_option *table, void *values, struct lw_error *error);

// Gives the option `name` the value `text`. `source` says where that stands, for messages
// ("recipe.yaml:12", "command line"). A NULL text is the choice "null" where there is such
// a one; else it changes nothing, and only checks the name.
bool lw_options_set(const struct lw_option *table, void *values, const char *name, const char *text,
    const char *source, struct lw_error *error);

// The same for a command line's `key=value` or `--key=value`.
bool lw_options_assign(
    const struct lw_option *table, void *values, const char *assignment, struct lw_error *error);

// Frees strings and lists, and leaves all members zero.
void lw_options_free(const struct lw_option *table, void *values);

// Appends the value that `row` has now, so that lw_options_set would take it again, and so that YAML
// readers other than ours take a number for one. Appends nothing when it is unset or the row has no
// value.
bool lw_options_print(const struct lw_option *row, const void *values, struct lw_string *text,
    struct lw_error *error);

// Appends the table for people: per row the name, the type or choices, range, default and help;
// ignored keys in one paragraph, refused ones with the reason.
bool lw_options_help(const struct lw_option *table, struct lw_string *text, struct lw_error *error);

#endif
