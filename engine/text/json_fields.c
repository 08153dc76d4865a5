// SPDX-License-Identifier: Apache-2.0
// Fields of JSON objects, checked.
#include "engine/text/json_fields.h"

const cJSON *lw_json_member(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(member) ? NULL : member;
}

bool lw_json_text(const char **value, const cJSON *object, const char *name, const char *where,
    struct lw_error *error)
{
    const cJSON *member = lw_json_member(object, name);
    if (!cJSON_IsString(member)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" must be a text%s.", where, name,
            member ? "" : ", but is absent");
    }
    *value = member->valuestring;
    return true;
}

bool lw_json_flag(bool *value, const cJSON *object, const char *name, bool default_value,
    const char *where, struct lw_error *error)
{
    const cJSON *member = lw_json_member(object, name);
    if (member && !cJSON_IsBool(member)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" must be true or false.", where, name);
    }
    *value = member ? cJSON_IsTrue(member) : default_value;
    return true;
}

bool lw_json_id(uint32_t *value, const cJSON *number, const char *name, const char *where,
    struct lw_error *error)
{
    double id = cJSON_IsNumber(number) ? number->valuedouble : -1;
    if (!(id >= 0 && id < UINT32_MAX) || id != (uint32_t)id) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: \"%s\" must be a token id (a whole number).", where, name);
    }
    *value = (uint32_t)id;
    return true;
}
