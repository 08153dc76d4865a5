// SPDX-License-Identifier: Apache-2.0
// What reading tokenizer.json needs besides engine/io/json.h: members of parts that may be absent,
// and token ids. Used by the parts of the tokenizer while it is opened.
#ifndef LW_TEXT_JSON_FIELDS_H
#define LW_TEXT_JSON_FIELDS_H

#include "engine/io/json.h"

// The member of that name; NULL when it or `object` is absent or null.
const cJSON *lw_json_member(const cJSON *object, const char *name);

// A token id. LW_BAD_INPUT names the part (`where`) and the field or token (`name`).
bool lw_json_id(
    uint32_t *id, const cJSON *number, const char *name, const char *where, struct lw_error *error);

#endif
