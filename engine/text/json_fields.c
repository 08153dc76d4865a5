// SPDX-License-Identifier: Apache-2.0
// Members and token ids of JSON values.
#include "engine/text/json_fields.h"

const cJSON *lw_json_member(const cJSON *object, const char *name)
{
    return lw_json_find(&(struct lw_json_scope){object, NULL}, name);
}

bool lw_json_id(
    uint32_t *id, const cJSON *number, const char *name, const char *where, struct lw_error *error)
{
    int64_t value;
    if (!lw_json_as_integer(number, 0, UINT32_MAX - 1, &value)) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: \"%.80s\" must be a token id (a whole number).", where, name);
    }
    *id = (uint32_t)value;
    return true;
}
