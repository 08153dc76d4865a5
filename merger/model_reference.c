// SPDX-License-Identifier: Apache-2.0
// See model_reference.h.
#include "merger/model_reference.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/io/yaml_tree.h"

static bool refuse(const cJSON *value, const char *source, struct lw_error *error)
{
    return lw_fail(error, LW_USAGE,
        "%s:%d: a model must be a folder's name, FOLDER+ADAPTER, or a map {model: FOLDER, lora: "
        "ADAPTER}",
        source, lw_yaml_line(value));
}

// [text, text + length) without "@" and a revision: folders have none.
static bool set_folder(char **folder, const char *text, size_t length, struct lw_error *error)
{
    *folder = lw_strndup(text, length, error);
    char *at = *folder && !lw_folder_exists(*folder) ? strrchr(*folder, '@') : NULL;
    if (at) {
        *at = 0;
    }
    return *folder != NULL;
}

static bool read_text(struct lw_merge_reference *reference, const cJSON *value, const char *source,
    struct lw_error *error)
{
    const char *text = value->valuestring;
    const char *plus = lw_folder_exists(text) ? NULL : strchr(text, '+');
    if (plus && strchr(plus + 1, '+')) {
        return lw_fail(error, LW_USAGE, "%s:%d: \"%.200s\": one adapter can stand behind a \"+\"",
            source, lw_yaml_line(value), text);
    }
    if (!set_folder(&reference->folder, text, plus ? (size_t)(plus - text) : strlen(text), error) ||
        (plus && !set_folder(&reference->adapter, plus + 1, strlen(plus + 1), error))) {
        return false;
    }
    bool named = *reference->folder && (!plus || *reference->adapter);
    return named || refuse(value, source, error);
}

// A text, or {path: TEXT, revision: ...}; *text stays NULL for null.
static bool find_path(
    const cJSON *value, const char *source, const char **text, struct lw_error *error)
{
    if (cJSON_IsNull(value)) {
        return true;
    }
    if (cJSON_IsObject(value)) {
        for (const cJSON *entry = value->child; entry; entry = entry->next) {
            if (strcmp(entry->string, "path") != 0 && strcmp(entry->string, "revision") != 0) {
                return refuse(entry, source, error);
            }
        }
        value = cJSON_GetObjectItemCaseSensitive(value, "path");
    }
    if (!cJSON_IsString(value) || !*value->valuestring) {
        return lw_fail(error, LW_USAGE, "%s: a model's path must be a text", source);
    }
    *text = value->valuestring;
    return true;
}

static bool read_map(struct lw_merge_reference *reference, const cJSON *value, const char *source,
    struct lw_error *error)
{
    const char *model = NULL, *adapter = NULL;
    for (const cJSON *entry = value->child; entry; entry = entry->next) {
        bool known = true;
        if (strcmp(entry->string, "model") == 0) {
            known = find_path(entry, source, &model, error);
        } else if (strcmp(entry->string, "lora") == 0) {
            known = find_path(entry, source, &adapter, error);
        } else if (strcmp(entry->string, "path") == 0) { // of a map that is a path itself
            known = find_path(value, source, &model, error);
        } else if (strcmp(entry->string, "override_architecture") == 0 && !cJSON_IsNull(entry)) {
            return lw_fail(error, LW_USAGE,
                "%s:%d: override_architecture is not supported; change \"architectures\" in the "
                "model's config.json",
                source, lw_yaml_line(entry));
        } else {
            known = strcmp(entry->string, "revision") == 0 || cJSON_IsNull(entry) ||
                    refuse(entry, source, error);
        }
        if (!known) {
            return false;
        }
    }
    if (!model) {
        return refuse(value, source, error);
    }
    return set_folder(&reference->folder, model, strlen(model), error) &&
           (!adapter || set_folder(&reference->adapter, adapter, strlen(adapter), error));
}

bool lw_merge_reference_read(struct lw_merge_reference *reference, const cJSON *value,
    const char *source, struct lw_error *error)
{
    *reference = (struct lw_merge_reference){.line = lw_yaml_line(value)};
    bool read = cJSON_IsString(value)   ? read_text(reference, value, source, error)
                : cJSON_IsObject(value) ? read_map(reference, value, source, error)
                                        : refuse(value, source, error);
    if (!read) {
        lw_merge_reference_free(reference);
    }
    return read;
}

void lw_merge_reference_free(struct lw_merge_reference *reference)
{
    lw_free(reference->folder);
    lw_free(reference->adapter);
    *reference = (struct lw_merge_reference){0};
}

bool lw_merge_reference_same(
    const struct lw_merge_reference *left, const struct lw_merge_reference *right)
{
    return left->folder && right->folder && strcmp(left->folder, right->folder) == 0 &&
           !left->adapter == !right->adapter &&
           (!left->adapter || strcmp(left->adapter, right->adapter) == 0);
}

// As on the Hub: one "/", no leading "." or "/".
static bool is_hub_name(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash && slash > name && slash[1] && !strchr(slash + 1, '/') && *name != '.' &&
           *name != '~' && !strchr(name, '\\') && !strchr(name, ':');
}

static bool check_folder(const char *folder, int line, const char *source, struct lw_error *error)
{
    if (lw_folder_exists(folder)) {
        return true;
    }
    if (!is_hub_name(folder)) {
        return lw_fail(error, LW_BAD_INPUT, "%s:%d: %s: there is no folder of this name", source,
            line, folder);
    }
    return lw_fail(error, LW_BAD_INPUT,
        "%s:%d: %s: there is no folder of this name, and nothing is downloaded. Get the model with "
        "`hf download %s --local-dir %s` and start again from the same place",
        source, line, folder, folder, folder);
}

bool lw_merge_reference_check(
    const struct lw_merge_reference *reference, const char *source, struct lw_error *error)
{
    return check_folder(reference->folder, reference->line, source, error) &&
           (!reference->adapter ||
               check_folder(reference->adapter, reference->line, source, error));
}
