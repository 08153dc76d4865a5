// SPDX-License-Identifier: Apache-2.0
// Reading a post-processor.
#include "engine/text/post_processor.h"

#include <string.h>

#include "engine/text/json_fields.h"

static const char where[] = "post_processor";

// Adds the ids of a "SpecialToken" entry, which "special_tokens" lists under its name.
static bool add_special(
    struct lw_tokens *out, const cJSON *special, const cJSON *table, struct lw_error *error)
{
    const char *name;
    if (!lw_json_string(&(struct lw_json_scope){special, where}, "id", &name, error)) {
        return false;
    }
    const cJSON *ids = lw_json_member(lw_json_member(table, name), "ids");
    if (!cJSON_IsArray(ids)) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: special_tokens has no ids for %.80s.", where, name);
    }
    for (const cJSON *number = ids->child; number; number = number->next) {
        uint32_t id;
        if (!lw_json_id(&id, number, "ids", where, error) || !lw_tokens_add(out, id, error)) {
            return false;
        }
    }
    return true;
}

// "single" is a list of special tokens with the text ("Sequence") once among them.
static bool read_template(
    struct lw_tokens *prefix, struct lw_tokens *suffix, const cJSON *json, struct lw_error *error)
{
    const cJSON *single = lw_json_member(json, "single");
    const cJSON *table = lw_json_member(json, "special_tokens");
    bool after_text = false;
    if (!cJSON_IsArray(single)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"single\" must be an array.", where);
    }
    for (const cJSON *part = single->child; part; part = part->next) {
        const cJSON *special = lw_json_member(part, "SpecialToken");
        if (special) {
            if (!add_special(after_text ? suffix : prefix, special, table, error)) {
                return false;
            }
        } else if (lw_json_member(part, "Sequence") && !after_text) {
            after_text = true;
        } else {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"single\" must hold special tokens and one text.", where);
        }
    }
    return true;
}

static bool read_one(
    struct lw_tokens *prefix, struct lw_tokens *suffix, const cJSON *json, struct lw_error *error)
{
    const char *type;
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "type", &type, error)) {
        return false;
    }
    if (strcmp(type, "TemplateProcessing") == 0) {
        return read_template(prefix, suffix, json, error);
    }
    // ByteLevel only changes offsets, which are not kept here.
    return strcmp(type, "ByteLevel") == 0
               ? true
               : lw_fail(error, LW_BAD_INPUT, "The post-processor %.80s is not supported.", type);
}

bool lw_post_processor_read(
    struct lw_tokens *prefix, struct lw_tokens *suffix, const cJSON *json, struct lw_error *error)
{
    const cJSON *type = lw_json_member(json, "type");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "Sequence") != 0) {
        return !json || read_one(prefix, suffix, json, error);
    }
    const cJSON *part = lw_json_member(json, "processors");
    for (part = part ? part->child : NULL; part; part = part->next) {
        if (!read_one(prefix, suffix, part, error)) {
            return false;
        }
    }
    return true;
}
