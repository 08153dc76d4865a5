// SPDX-License-Identifier: Apache-2.0
// Option values from a recipe: a YAML file that is one flat map, as LLaMA-Factory's users write them.
// Libyaml parses; which keys there are and what they take is the option table's matter.
#ifndef LW_IO_OPTIONS_FILE_H
#define LW_IO_OPTIONS_FILE_H

#include "engine/base/options.h"

// Sets the options that the file gives; the others stay as they are. A value is a scalar, or a list
// of scalars for a list option; null leaves the option as it is. A file that cannot be read is
// LW_BAD_INPUT; what is no flat map, a key twice, and all that lw_options_set refuses is LW_USAGE,
// with file and line.
bool lw_options_read(
    const struct lw_option *table, void *values, const char *path, struct lw_error *error);

#endif
