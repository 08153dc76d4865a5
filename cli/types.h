// SPDX-License-Identifier: Apache-2.0
// Element types on the command line.
#ifndef LW_CLI_TYPES_H
#define LW_CLI_TYPES_H

#include "engine/base/error.h"
#include "engine/base/types.h"

// The type that --dtype names: float32, bfloat16, float16. Else LW_USAGE.
bool lw_parse_type(const char *name, enum lw_type *type, struct lw_error *error);

#endif
