// SPDX-License-Identifier: Apache-2.0
// See token_table.h. What transformers adds to a tokenizer.json when it opens a folder:
// PreTrainedTokenizerFast, added_tokens_decoder.
#include "merger/token_table.h"

#include <stdio.h>
#include <string.h>

#include "engine/text/json_fields.h"

static bool add_token(
    struct lw_token_table *table, const char *text, uint32_t id, struct lw_error *error)
{
    return lw_vocabulary_add(&table->tokens, id, text, strlen(text), 0, error);
}

// Unigram: an array of [text, score] by id.
static bool read_pieces(struct lw_token_table *table, const cJSON *pieces, struct lw_error *error)
{
    uint32_t id = 0;
    for (const cJSON *piece = pieces->child; piece; piece = piece->next) {
        const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(piece, 0));
        if (!text) {
            return lw_fail(error, LW_BAD_INPUT, "model.vocab: entry %u has no text.", id);
        }
        if (!add_token(table, text, id++, error)) {
            return false;
        }
    }
    return true;
}

static bool read_model(struct lw_token_table *table, const cJSON *model, struct lw_error *error)
{
    static const char *const kinds[] = {"BPE", "WordPiece", "WordLevel", "Unigram"};
    const char *kind = cJSON_GetStringValue(lw_json_member(model, "type"));
    const cJSON *vocabulary = lw_json_member(model, "vocab");
    kind = kind ? kind : "BPE"; // as older files have it
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(kind, kinds[i])) {
            snprintf(table->kind, sizeof table->kind, "%s", kind);
        }
    }
    if (!*table->kind) {
        return lw_fail(error, LW_BAD_INPUT, "The model type %.40s is not known.", kind);
    }
    if (!strcmp(kind, "Unigram") && cJSON_IsArray(vocabulary)) {
        return read_pieces(table, vocabulary, error);
    }
    if (!strcmp(kind, "Unigram") || !cJSON_IsObject(vocabulary)) {
        return lw_fail(error, LW_BAD_INPUT, "model: \"vocab\" is not what a %s has.", kind);
    }
    for (const cJSON *token = vocabulary->child; token; token = token->next) {
        uint32_t id;
        if (!lw_json_id(&id, token, token->string, "model.vocab", error) ||
            !add_token(table, token->string, id, error)) {
            return false;
        }
    }
    return true;
}

const cJSON *lw_token_table_added(const cJSON *added, const char *text)
{
    for (const cJSON *entry = added ? added->child : NULL; entry; entry = entry->next) {
        const char *content = cJSON_GetStringValue(lw_json_member(entry, "content"));
        if (content && !strcmp(content, text)) {
            return entry;
        }
    }
    return NULL;
}

static bool read_added(struct lw_token_table *table, const cJSON *added, struct lw_error *error)
{
    for (const cJSON *entry = added->child; entry; entry = entry->next) {
        const char *text;
        uint32_t id;
        if (!lw_json_string(
                &(struct lw_json_scope){entry, "added_tokens"}, "content", &text, error) ||
            !lw_json_id(&id, lw_json_member(entry, "id"), "id", "added_tokens", error)) {
            return false;
        }
        uint32_t known = lw_token_table_find(table, text, strlen(text));
        if (known != LW_NO_TOKEN && known != id) {
            return lw_fail(error, LW_BAD_INPUT,
                "added_tokens: %.80s has the id %u there and %u in the vocabulary.", text, id,
                known);
        }
        if (*text && known == LW_NO_TOKEN && !add_token(table, text, id, error)) {
            return false;
        }
    }
    return true;
}

static bool read_tokenizer(struct lw_token_table *table, cJSON *json, struct lw_error *error)
{
    if (!read_model(table, lw_json_member(json, "model"), error)) {
        return false;
    }
    table->added = cJSON_IsArray(lw_json_member(json, "added_tokens"))
                       ? cJSON_DetachItemFromObjectCaseSensitive(json, "added_tokens")
                       : cJSON_CreateArray();
    if (!table->added) {
        return lw_fail_memory(error, "added tokens", 0);
    }
    return read_added(table, table->added, error);
}

static cJSON *make_entry(uint32_t id, const char *text, const cJSON *model)
{
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};
    cJSON *entry = cJSON_CreateObject();
    bool made = entry && cJSON_AddNumberToObject(entry, "id", id) &&
                cJSON_AddStringToObject(entry, "content", text);
    for (size_t i = 0; made && i < sizeof flags / sizeof *flags; i++) {
        const cJSON *flag = lw_json_member(model, flags[i]);
        // Without a word about it, what is not special is looked for in normalized text.
        bool fallback =
            !strcmp(flags[i], "normalized") && !cJSON_IsTrue(lw_json_member(model, "special"));
        made = cJSON_AddBoolToObject(entry, flags[i], flag ? cJSON_IsTrue(flag) : fallback) != NULL;
    }
    if (!made) {
        cJSON_Delete(entry);
        return NULL;
    }
    return entry;
}

bool lw_token_table_append(
    struct lw_token_table *table, const char *text, const cJSON *model, struct lw_error *error)
{
    uint32_t known = lw_token_table_find(table, text, strlen(text));
    uint32_t id = known == LW_NO_TOKEN ? (uint32_t)table->tokens.count : known;
    if (known == LW_NO_TOKEN && !add_token(table, text, id, error)) {
        return false;
    }
    cJSON *entry = make_entry(id, text, model);
    if (!entry || !cJSON_AddItemToArray(table->added, entry)) {
        cJSON_Delete(entry);
        return lw_fail_memory(error, "an added token", 0);
    }
    return true;
}

// tokenizer_config.json: "added_tokens_decoder", in the order of their ids in the file; those of
// added_tokens.json, which older versions wrote, where it has none.
static bool read_others(struct lw_token_table *table, const char *folder, struct lw_error *error)
{
    cJSON *config = NULL, *older = NULL;
    bool done = lw_json_read_object(&config, folder, "tokenizer_config.json", false, error) &&
                lw_json_read_object(&older, folder, "added_tokens.json", false, error);
    const cJSON *decoder = config ? lw_json_member(config, "added_tokens_decoder") : NULL;
    bool newer = cJSON_IsObject(decoder);
    const cJSON *list = newer ? decoder : older;
    for (const cJSON *entry = done && list ? list->child : NULL; done && entry;
         entry = entry->next) {
        const char *text =
            newer ? cJSON_GetStringValue(lw_json_member(entry, "content")) : entry->string;
        if (text && *text && lw_token_table_find(table, text, strlen(text)) == LW_NO_TOKEN) {
            done = lw_token_table_append(table, text, newer ? entry : NULL, error);
        }
    }
    cJSON_Delete(config);
    cJSON_Delete(older);
    return done;
}

bool lw_token_table_read(struct lw_token_table *table, const char *folder, struct lw_error *error)
{
    cJSON *json;
    *table = (struct lw_token_table){0};
    if (!lw_json_read_object(&json, folder, "tokenizer.json", false, error)) {
        return false;
    }
    if (!json) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: there is no tokenizer.json, and a tokenizer_source asks for the tokens of every "
            "model; transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...) writes "
            "one",
            folder);
    }
    bool done = read_tokenizer(table, json, error);
    cJSON_Delete(json);
    if (!done) {
        return lw_fail_in(error, "%s/tokenizer.json", folder);
    }
    return read_others(table, folder, error);
}

void lw_token_table_free(struct lw_token_table *table)
{
    lw_vocabulary_free(&table->tokens);
    cJSON_Delete(table->added);
    *table = (struct lw_token_table){0};
}

uint32_t lw_token_table_find(const struct lw_token_table *table, const char *text, size_t length)
{
    return lw_vocabulary_find(&table->tokens, text, length, false);
}
