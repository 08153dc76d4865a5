// SPDX-License-Identifier: Apache-2.0
// What options.c and options_text.c share.
#ifndef LW_BASE_OPTIONS_PRIVATE_H
#define LW_BASE_OPTIONS_PRIVATE_H

#include "engine/base/options.h"

// Appends what the option takes: "a number from 0 to 1".
bool lw_option_describe(
    const struct lw_option *row, struct lw_string *text, struct lw_error *error);

#endif
