// SPDX-License-Identifier: Apache-2.0
// What a scalar of YAML means: PyYAML's resolver and safe constructor. Called by yaml_tree.c.
#ifndef LW_IO_YAML_SCALAR_H
#define LW_IO_YAML_SCALAR_H

#include <stdbool.h>

enum lw_yaml_kind { LW_YAML_TEXT, LW_YAML_NULL, LW_YAML_BOOL, LW_YAML_NUMBER };

// What a plain scalar is without a tag; *number is the value of a number, 0 or 1 of a bool.
enum lw_yaml_kind lw_yaml_resolve(const char *text, double *number);

#endif
