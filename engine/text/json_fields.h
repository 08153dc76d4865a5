// SPDX-License-Identifier: Apache-2.0
// Reading fields of tokenizer.json with errors that name the part. Used by the parts of the
// tokenizer while it is opened. `where` is the JSON path of the object, for the message.
#ifndef LW_TEXT_JSON_FIELDS_H
#define LW_TEXT_JSON_FIELDS_H

#include <cJSON.h>
#include <stdint.h>

#include "engine/base/error.h"

// The member of that name; NULL when absent or null.
const cJSON *lw_json_member(const cJSON *object, const char *name);

// A text, true/false: false with `error` filled when the member is absent (unless there is a
// default) or of another type.
bool lw_json_text(const char **value, const cJSON *object, const char *name, const char *where,
    struct lw_error *error);
bool lw_json_flag(bool *value, const cJSON *object, const char *name, bool default_value,
    const char *where, struct lw_error *error);

// A whole number from 0 to UINT32_MAX - 1.
bool lw_json_id(uint32_t *value, const cJSON *number, const char *name, const char *where,
    struct lw_error *error);

#endif
