// SPDX-License-Identifier: Apache-2.0
// How a recipe names a model: a folder, with "+" and a LoRA adapter's folder behind it where one is to
// be folded in, both with "@" and a revision as on the Hub, or a map of those parts. Nothing is ever
// downloaded. Called by recipe.c.
#ifndef LW_MERGER_MODEL_REFERENCE_H
#define LW_MERGER_MODEL_REFERENCE_H

#include <cJSON.h>

#include "engine/base/error.h"

struct lw_merge_reference {
    char *folder;  // owned; NULL: no model is named
    char *adapter; // owned; NULL: none
    int line;      // of the recipe
};

// `source` is the recipe's name. LW_USAGE: what names no model. Whether the folders are there is not
// asked, but a name that is wholly a folder's is not taken apart at "+" or "@".
bool lw_merge_reference_read(struct lw_merge_reference *reference, const cJSON *value,
    const char *source, struct lw_error *error);
void lw_merge_reference_free(struct lw_merge_reference *reference);

bool lw_merge_reference_same(
    const struct lw_merge_reference *left, const struct lw_merge_reference *right);

// LW_BAD_INPUT where a folder is not there: says how to get a model of the Hub.
bool lw_merge_reference_check(
    const struct lw_merge_reference *reference, const char *source, struct lw_error *error);

#endif
