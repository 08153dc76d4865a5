// SPDX-License-Identifier: Apache-2.0
// A recipe while it is being read: what recipe.c and recipe_models.c share.
#ifndef LW_MERGER_RECIPE_PRIVATE_H
#define LW_MERGER_RECIPE_PRIVATE_H

#include "merger/recipe.h"

struct lw_recipe_reading {
    struct lw_merge_recipe *recipe;
    const struct lw_log *log;
    struct lw_error *error;
};

// Refuses, at the line of `value`: NAME:LINE: REASON.
bool lw_recipe_refuse(
    const struct lw_recipe_reading *reading, const cJSON *value, const char *reason);

// The value of `key`, NULL where it is absent or null.
const cJSON *lw_recipe_find(const cJSON *map, const char *key);

// Refuses what is no map, or has a key that is not one of `keys` (NULL at their end); `what` is the
// map in messages.
bool lw_recipe_check_keys(const struct lw_recipe_reading *reading, const cJSON *map,
    const char *const *keys, const char *what);

// Sets *parameters to those of `map`, checked; `of_model` where they are a model's.
bool lw_recipe_read_parameters(const struct lw_recipe_reading *reading, const cJSON *map,
    bool of_model, const cJSON **parameters);

// Sets the recipe's slices from `models` or `slices` of `map`, the file's or a module's.
bool lw_recipe_read_models(const struct lw_recipe_reading *reading, const cJSON *map);

#endif
