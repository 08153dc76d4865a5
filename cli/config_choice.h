// SPDX-License-Identifier: Apache-2.0
// The shape of a model on the command line: a preset's name, or a config.json.
#ifndef LW_CLI_CONFIG_CHOICE_H
#define LW_CLI_CONFIG_CHOICE_H

#include "engine/base/stringbuf.h"

// Appends the config.json that `name` means: a preset's, else the file's. LW_USAGE: it is neither.
bool lw_find_config(const char *name, struct lw_string *text, struct lw_error *error);

#endif
