// SPDX-License-Identifier: Apache-2.0
// YAML from files that nobody vouches for, as a cJSON tree: maps are objects, lists are arrays, and
// plain scalars become what PyYAML's safe loader makes of them (YAML 1.1: `yes` is a bool, 0x10 and
// 1_000 are numbers, 1e-5 without a point is a text). Libyaml parses; limits on size, nesting and
// number of values hold after aliases are resolved. Called by what reads recipes.
#ifndef LW_IO_YAML_TREE_H
#define LW_IO_YAML_TREE_H

#include <stddef.h>

#include <cJSON.h>

#include "engine/base/error.h"

// 0 takes the default.
struct lw_yaml_limits {
    size_t bytes;  // of the text; default 1 MiB
    size_t depth;  // of lists and maps in each other; default 32
    size_t values; // of all kinds, those that aliases repeat included; default 20,000
};

// Parses one document; an empty one is null. `name` stands for it in messages, "NAME:LINE: ...".
// Refused as LW_USAGE: what is not YAML, a key twice in a map, a key that is no scalar, a tag that
// the safe loader does not know, an alias inside of what it names, a second document, a passed limit,
// a zero character. `<<` merges maps as in YAML 1.1. The result is for cJSON_Delete.
cJSON *lw_yaml_parse(const char *text, size_t length, const char *name,
    const struct lw_yaml_limits *limits, struct lw_error *error);

// The line, from 1, where a value of such a tree stands (its key, in a map).
int lw_yaml_line(const cJSON *value);

#endif
