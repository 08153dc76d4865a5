// SPDX-License-Identifier: Apache-2.0
// What the recipe says of single tokens: `tokenizer: tokens:`. See vocabulary_private.h.
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/json_fields.h"
#include "merger/vocabulary_private.h"

// One entry while it is read.
struct reading {
    struct lw_merge_vocabulary *vocabulary;
    const char *token;
    struct lw_token_override *override;
    struct lw_error *error;
};

static bool refuse(const struct reading *reading, const char *what, const char *name)
{
    return lw_fail(reading->error, LW_USAGE, "%s: tokens: \"%.80s\": %s%s%.400s",
        reading->vocabulary->params.recipe, reading->token, what, name ? " " : "",
        name ? name : "");
}

// A model is named by its folder, or by a map as mergekit writes it: {model: {path: FOLDER}}.
static const char *folder_of(const cJSON *model)
{
    const cJSON *inner = cJSON_IsObject(model) ? lw_json_member(model, "model") : NULL;
    model = inner ? inner : model;
    return cJSON_GetStringValue(cJSON_IsObject(model) ? lw_json_member(model, "path") : model);
}

static bool find_parent(const struct reading *reading, const cJSON *model)
{
    const struct lw_merge_vocabulary_params *params = &reading->vocabulary->params;
    const char *folder = folder_of(model);
    if (!folder) {
        return refuse(reading,
            "source must be a model, {kind: zero} or {kind: model_token, model, token or token_id}",
            NULL);
    }
    for (size_t i = 0; i < params->count; i++) {
        if (!strcmp(params->parents[i].folder, folder)) {
            reading->override->parent = i;
            reading->override->source = LW_TOKEN_ROW;
            return true;
        }
    }
    return refuse(reading, "this model is not part of the merge:", folder);
}

static bool find_row(const struct reading *reading, const char *text)
{
    struct lw_token_override *override = reading->override;
    override->row = lw_merge_token_row(reading->vocabulary, override->parent, text, strlen(text));
    return override->row != LW_NO_TOKEN ||
           refuse(reading, "the source has no row for this token:", text);
}

static bool check_keys(const struct reading *reading, const cJSON *object, const char *const *keys)
{
    for (const cJSON *member = object->child; member; member = member->next) {
        bool known = false;
        for (size_t i = 0; keys[i]; i++) {
            known = known || !strcmp(member->string, keys[i]);
        }
        if (!known) {
            return refuse(reading, "unknown key", member->string);
        }
    }
    return true;
}

static bool read_model_token(const struct reading *reading, const cJSON *source)
{
    static const char *const keys[] = {"kind", "model", "token", "token_id", NULL};
    const cJSON *token = lw_json_member(source, "token");
    const cJSON *number = lw_json_member(source, "token_id");
    int64_t id;
    if (!check_keys(reading, source, keys) ||
        !find_parent(reading, lw_json_member(source, "model"))) {
        return false;
    }
    if (!token == !number) {
        return refuse(reading, "model_token takes one of token and token_id", NULL);
    }
    if (token) {
        return cJSON_IsString(token) ? find_row(reading, token->valuestring)
                                     : refuse(reading, "token must be a text", NULL);
    }
    uint64_t rows = reading->vocabulary->limits[reading->override->parent];
    rows = rows < LW_TOKEN_ID_LIMIT ? rows : LW_TOKEN_ID_LIMIT;
    if (!lw_json_as_integer(number, 0, (int64_t)rows - 1, &id)) {
        return refuse(reading, "token_id must be a row of the model's embedding", NULL);
    }
    reading->override->row = (uint32_t)id;
    return true;
}

static bool read_source(const struct reading *reading, const cJSON *source)
{
    static const char *const zero_keys[] = {"kind", NULL};
    const cJSON *kind = cJSON_IsObject(source) ? lw_json_member(source, "kind") : NULL;
    if (!kind) {
        return find_parent(reading, source) && find_row(reading, reading->token);
    }
    const char *name = cJSON_GetStringValue(kind);
    if (name && !strcmp(name, "zero")) {
        return check_keys(reading, source, zero_keys);
    }
    return name && !strcmp(name, "model_token")
               ? read_model_token(reading, source)
               : refuse(reading, "kind must be zero or model_token", NULL);
}

static bool read_override(struct lw_merge_vocabulary *vocabulary, const cJSON *entry,
    struct lw_token_override *override, struct lw_error *error)
{
    static const char *const keys[] = {"source", "force", NULL};
    const struct reading reading = {vocabulary, entry->string, override, error};
    if (!*entry->string || !cJSON_IsObject(entry)) {
        return refuse(&reading, "must be a map: {source, force}", NULL);
    }
    const cJSON *force = lw_json_member(entry, "force");
    if (!check_keys(&reading, entry, keys) ||
        !read_source(&reading, lw_json_member(entry, "source"))) {
        return false;
    }
    if (force && !cJSON_IsBool(force)) {
        return refuse(&reading, "force must be true or false", NULL);
    }
    override->force = cJSON_IsTrue(force);
    return true;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = ((const struct lw_token_override *)left)->id;
    uint32_t b = ((const struct lw_token_override *)right)->id;
    return (a > b) - (a < b);
}

// mergekit makes added tokens without flags of all of them, also of those that are special or
// ordinary, and so changes how a text is cut; here that stays as it was.
bool lw_merge_read_overrides(struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    const cJSON *tokens = vocabulary->params.tokens;
    for (const cJSON *entry = tokens ? tokens->child : NULL; entry; entry = entry->next) {
        struct lw_token_override override = {0};
        struct lw_token_table *output = &vocabulary->output;
        if (!read_override(vocabulary, entry, &override, error) ||
            (lw_token_table_find(output, entry->string, strlen(entry->string)) == LW_NO_TOKEN &&
                !lw_token_table_append(output, entry->string, NULL, error)) ||
            !lw_reserve(&vocabulary->overrides, &vocabulary->override_capacity,
                vocabulary->override_count + 1, sizeof override, error)) {
            return false;
        }
        override.id = lw_token_table_find(output, entry->string, strlen(entry->string));
        vocabulary->overrides[vocabulary->override_count++] = override;
    }
    if (vocabulary->override_count) {
        qsort(vocabulary->overrides, vocabulary->override_count, sizeof *vocabulary->overrides,
            compare);
    }
    return true;
}

const struct lw_token_override *lw_merge_token_override(
    const struct lw_merge_vocabulary *vocabulary, uint32_t id)
{
    const struct lw_token_override key = {.id = id};
    return vocabulary->override_count ? bsearch(&key, vocabulary->overrides,
                                            vocabulary->override_count, sizeof key, compare)
                                      : NULL;
}
