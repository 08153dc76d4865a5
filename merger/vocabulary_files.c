// SPDX-License-Identifier: Apache-2.0
// The tokenizer files of the result: those of one folder byte for byte, or, where tokens were added,
// that folder's with the new tokens in every place that lists added tokens. See vocabulary.h.
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/text/json_fields.h"
#include "merger/vocabulary_private.h"

static bool write_json(struct lw_checkpoint_writer *writer, const char *name, const cJSON *json,
    struct lw_error *error)
{
    char *text = cJSON_Print(json);
    bool written = text ? lw_checkpoint_writer_file(writer, name, text, strlen(text), error)
                        : lw_fail_memory(error, name, 0);
    cJSON_free(text);
    return written;
}

static bool write_tokenizer(const struct lw_merge_vocabulary *vocabulary,
    struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    static const char name[] = "tokenizer.json", key[] = "added_tokens";
    cJSON *json;
    if (!lw_json_read_object(&json, vocabulary->folder, name, true, error)) {
        return false;
    }
    cJSON *added = cJSON_Duplicate(vocabulary->output.added, true);
    bool put = added && (cJSON_HasObjectItem(json, key)
                                ? cJSON_ReplaceItemInObjectCaseSensitive(json, key, added)
                                : cJSON_AddItemToObject(json, key, added));
    if (!put) {
        cJSON_Delete(added);
    }
    bool written = put ? write_json(writer, name, json, error) : lw_fail_memory(error, name, 0);
    cJSON_Delete(json);
    return written;
}

// {"7": {"content": ...}}
static bool add_to_decoder(cJSON *decoder, const cJSON *entry)
{
    char key[24];
    snprintf(key, sizeof key, "%.0f", cJSON_GetNumberValue(lw_json_member(entry, "id")));
    cJSON *copy = cJSON_Duplicate(entry, true);
    if (!copy) {
        return false;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
    if (!cJSON_AddItemToObject(decoder, key, copy)) {
        cJSON_Delete(copy);
        return false;
    }
    return true;
}

// {"content": 7}
static bool add_to_ids(cJSON *ids, const cJSON *entry)
{
    return cJSON_AddNumberToObject(ids, cJSON_GetStringValue(lw_json_member(entry, "content")),
        cJSON_GetNumberValue(lw_json_member(entry, "id")));
}

// The new tokens in a file that lists added tokens; nothing where it is not there, or `key` not in it.
// One that the caller wrote already is changed, not that of the folder.
static bool extend(const struct lw_merge_vocabulary *vocabulary,
    struct lw_checkpoint_writer *writer, const char *name, const char *key, struct lw_error *error)
{
    cJSON *json;
    if (!lw_json_read_object(&json, lw_checkpoint_writer_folder(writer), name, false, error) ||
        (!json && !lw_json_read_object(&json, vocabulary->folder, name, false, error))) {
        return false;
    }
    cJSON *list = key ? cJSON_GetObjectItemCaseSensitive(json, key) : json;
    bool extended = true;
    const cJSON *entry = cJSON_GetArrayItem(vocabulary->output.added, vocabulary->kept);
    for (; cJSON_IsObject(list) && extended && entry; entry = entry->next) {
        extended = key ? add_to_decoder(list, entry) : add_to_ids(list, entry);
    }
    bool written = extended ? !cJSON_IsObject(list) || write_json(writer, name, json, error)
                            : lw_fail_memory(error, name, 0);
    cJSON_Delete(json);
    return written;
}

// What is the model's and not its tokenizer's. Files that the caller wrote are kept.
static bool carry_model(
    const char *folder, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string from = {0}, to = {0};
    bool done = lw_folder_list(folder, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        const char *name = list.names[i];
        size_t length = strlen(name);
        bool code = length > 3 && !strcmp(name + length - 3, ".py");
        if (!code && strcmp(name, "config.json") != 0 &&
            strcmp(name, "generation_config.json") != 0) {
            continue;
        }
        done = lw_path_join(&from, folder, name, error) &&
               lw_path_join(&to, lw_checkpoint_writer_folder(writer), name, error) &&
               (!lw_file_exists(lw_string_text(&from)) || lw_file_exists(lw_string_text(&to)) ||
                   lw_file_copy(lw_string_text(&from), lw_string_text(&to), error));
    }
    lw_string_free(&from);
    lw_string_free(&to);
    lw_folder_list_free(&list);
    return done;
}

bool lw_merge_vocabulary_write(const struct lw_merge_vocabulary *vocabulary,
    struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    const char *first = vocabulary->params.parents[0].folder;
    bool changed = cJSON_GetArraySize(vocabulary->output.added) != vocabulary->kept;
    if (changed &&
        (!write_tokenizer(vocabulary, writer, error) ||
            !extend(vocabulary, writer, "tokenizer_config.json", "added_tokens_decoder", error) ||
            !extend(vocabulary, writer, "added_tokens.json", NULL, error))) {
        return false;
    }
    return (!strcmp(first, vocabulary->folder) || carry_model(first, writer, error)) &&
           lw_checkpoint_writer_carry(writer, vocabulary->folder, error);
}
