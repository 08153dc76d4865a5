// SPDX-License-Identifier: Apache-2.0
// A parameter's setting in a recipe, and its value for one tensor. A setting is a number, a bool, a
// text that is a number, a list of those (a gradient over the layers), or a list of conditions
// {filter, value}, each value being one of the former. Called by recipe.c and plan_values.c.
#ifndef LW_MERGER_SETTING_H
#define LW_MERGER_SETTING_H

#include <cJSON.h>

#include "engine/base/error.h"

// Refuses what is no setting, as LW_USAGE; `source` is the recipe's name, `key` the parameter's.
bool lw_merge_setting_check(
    const cJSON *setting, const char *source, const char *key, struct lw_error *error);

// The value of a checked setting for the tensor `name`, `t` (0 to 1) of the way through the layers.
// A filter matches where it is a part of the name; the first condition that matches counts. False:
// none does, so the setting says nothing about this tensor.
bool lw_merge_setting_value(const cJSON *setting, const char *name, double t, double *value);

#endif
