// SPDX-License-Identifier: Apache-2.0
// See vocabulary.h. Here: which tokens the result has, and how many rows.
#include "merger/vocabulary.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/json.h"
#include "merger/layers.h"
#include "merger/vocabulary_private.h"

// config.json's vocab_size; of a model of text and more, that of its text.
static uint64_t configured_rows(const cJSON *config)
{
    int64_t rows = INT64_MAX;
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(config, "text_config");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(config, "vocab_size");
    size = size ? size : cJSON_GetObjectItemCaseSensitive(text, "vocab_size");
    lw_json_as_integer(size, 1, INT64_MAX, &rows);
    return (uint64_t)rows;
}

// Of architectures that the engine does not know, the embedding is found by its name.
static const struct lw_tensor_info *embedding_of(const struct lw_merge_parent *parent)
{
    const struct lw_tensor_info *info = NULL;
    if (parent->embedding) {
        return lw_checkpoint_find(parent->checkpoint, parent->embedding);
    }
    for (size_t i = 0; !info && i < lw_checkpoint_count(parent->checkpoint); i++) {
        const struct lw_tensor_info *other = lw_checkpoint_at(parent->checkpoint, i);
        info = lw_merge_is_vocabulary(other->name) && lw_merge_is_input(other->name) ? other : NULL;
    }
    return info;
}

static uint64_t rows_of(const struct lw_merge_parent *parent)
{
    const struct lw_tensor_info *info = embedding_of(parent);
    return info && info->rank > 0 ? info->shape[0] : configured_rows(parent->config);
}

uint32_t lw_merge_token_row(
    const struct lw_merge_vocabulary *vocabulary, size_t parent, const char *text, size_t length)
{
    uint32_t row = lw_token_table_find(&vocabulary->tables[parent], text, length);
    return row < vocabulary->limits[parent] ? row : LW_NO_TOKEN;
}

static bool read_parents(struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    const struct lw_merge_vocabulary_params *params = &vocabulary->params;
    for (size_t i = 0; i < params->count; i++) {
        const struct lw_merge_parent *parent = &params->parents[i];
        const struct lw_token_table *table = &vocabulary->tables[i];
        vocabulary->limits[i] = rows_of(parent);
        if (!lw_token_table_read(&vocabulary->tables[i], parent->folder, error)) {
            return false;
        }
        if (strcmp(table->kind, vocabulary->tables[0].kind) != 0) {
            lw_log(params->log, LW_LOG_WARNING,
                "%s has a tokenizer of the kind %s, %s one of the kind %s: only tokens of the same "
                "text are taken for the same",
                parent->folder, table->kind, params->parents[0].folder, vocabulary->tables[0].kind);
        }
        if (table->tokens.count > vocabulary->limits[i]) {
            lw_log(params->log, LW_LOG_WARNING,
                "%s: the tokenizer has ids up to %zu, the embedding %llu rows; tokens beyond them "
                "count as missing",
                parent->folder, table->tokens.count - 1, (unsigned long long)vocabulary->limits[i]);
        }
    }
    return true;
}

// Adds the tokens of a parent that the output lacks: the ordinary ones, by id.
static bool add_ordinary(
    struct lw_merge_vocabulary *vocabulary, size_t parent, struct lw_error *error)
{
    const struct lw_vocabulary *tokens = &vocabulary->tables[parent].tokens;
    struct lw_string text = {0};
    bool done = true;
    for (uint32_t id = 0; done && id < tokens->count && id < vocabulary->limits[parent]; id++) {
        size_t length;
        const char *bytes = lw_vocabulary_bytes(tokens, id, &length);
        if (!bytes || !length ||
            lw_token_table_find(&vocabulary->output, bytes, length) != LW_NO_TOKEN) {
            continue;
        }
        lw_string_clear(&text);
        done = lw_string_add(&text, bytes, length, error) &&
               (lw_token_table_added(vocabulary->tables[parent].added, lw_string_text(&text)) ||
                   lw_token_table_append(&vocabulary->output, lw_string_text(&text), NULL, error));
    }
    lw_string_free(&text);
    return done;
}

// The added ones, with their flags; those of a text that an earlier model has too keep its flags.
static bool add_added(struct lw_merge_vocabulary *vocabulary, size_t parent, struct lw_error *error)
{
    const cJSON *added = vocabulary->tables[parent].added;
    for (const cJSON *entry = added->child; entry; entry = entry->next) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "content"));
        if (*text && lw_merge_token_row(vocabulary, parent, text, strlen(text)) != LW_NO_TOKEN &&
            !lw_token_table_added(vocabulary->output.added, text) &&
            !lw_token_table_append(&vocabulary->output, text, entry, error)) {
            return false;
        }
    }
    return true;
}

// mergekit's union is transformers' add_tokens on the first model's tokenizer: first what is no added
// token of any model, then the added ones. mergekit takes a model's tokens in the order of a hash
// table; here it is that of their ids.
static bool make_union(struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    for (size_t i = 1; i < vocabulary->params.count; i++) {
        if (!add_ordinary(vocabulary, i, error)) {
            return false;
        }
    }
    for (size_t i = 1; i < vocabulary->params.count; i++) {
        if (!add_added(vocabulary, i, error)) {
            return false;
        }
    }
    return true;
}

// Ids behind a hole are not those that transformers gives when it reads the file.
static bool check_holes(const struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    const struct lw_vocabulary *tokens = &vocabulary->output.tokens;
    return cJSON_GetArraySize(vocabulary->output.added) == vocabulary->kept ||
           tokens->used == tokens->count ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: no token can be added to this tokenizer: %zu of its ids have no token",
               vocabulary->folder, tokens->count - tokens->used);
}

static bool has_row(const struct lw_merge_vocabulary *vocabulary, const char *text, size_t length)
{
    bool found = false;
    for (size_t i = 0; !found && i < vocabulary->params.count; i++) {
        found = lw_merge_token_row(vocabulary, i, text, length) != LW_NO_TOKEN;
    }
    return found;
}

// Tokens that no model has a row for: the tokenizer of a model outside the merge may have some, and
// get zeros as in mergekit; that of a merged one promises rows that are not there.
static bool check_rows(const struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    const struct lw_vocabulary *tokens = &vocabulary->output.tokens;
    const struct lw_merge_vocabulary_params *params = &vocabulary->params;
    size_t missing = 0, length, first_length = 0;
    const char *first = NULL;
    uint32_t first_id = 0;
    for (uint32_t id = 0; id < tokens->count; id++) {
        const char *text = lw_vocabulary_bytes(tokens, id, &length);
        if (!text || lw_merge_token_override(vocabulary, id) || has_row(vocabulary, text, length)) {
            continue;
        }
        if (!missing++) {
            first = text;
            first_length = length < 80 ? length : 80;
            first_id = id;
        }
    }
    for (size_t i = 0; missing && i < params->count; i++) {
        if (!strcmp(params->parents[i].folder, vocabulary->folder)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: token \"%.*s\" has the id %u, but the embedding has %llu rows, and no other "
                "model has the token (%zu such tokens); say under `tokenizer: tokens:` what its "
                "row is to be ({source: {kind: zero}})",
                vocabulary->folder, (int)first_length, first, first_id,
                (unsigned long long)vocabulary->limits[i], missing);
        }
    }
    if (missing) {
        lw_log(params->log, LW_LOG_WARNING,
            "%zu tokens of %s are in no model that is merged (the first: \"%.*s\"); their rows are "
            "zeros",
            missing, vocabulary->folder, (int)first_length, first);
    }
    return true;
}

// Rows of the model whose tokenizer it is: its padding stays.
static bool source_rows(
    const struct lw_merge_vocabulary *vocabulary, uint64_t *rows, struct lw_error *error)
{
    for (size_t i = 0; i < vocabulary->params.count; i++) {
        if (!strcmp(vocabulary->params.parents[i].folder, vocabulary->folder)) {
            *rows = vocabulary->limits[i];
            return true;
        }
    }
    cJSON *config;
    if (!lw_json_read_object(&config, vocabulary->folder, "config.json", false, error)) {
        return false;
    }
    *rows = configured_rows(config);
    cJSON_Delete(config);
    return true;
}

static bool count_rows(struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    uint64_t rows = vocabulary->output.tokens.count;
    uint64_t step = vocabulary->params.pad_to_multiple_of, padded;
    if (!source_rows(vocabulary, &padded, error)) {
        return false;
    }
    if (step) {
        rows = (rows + step - 1) / step * step;
    } else if (padded > rows && padded < LW_TOKEN_ID_LIMIT) {
        rows = padded;
    }
    vocabulary->rows = rows;
    if (padded > rows && padded < LW_TOKEN_ID_LIMIT) {
        lw_log(vocabulary->params.log, LW_LOG_INFO,
            "%s has %llu rows for its vocabulary; pad_to_multiple_of %llu makes them %llu",
            vocabulary->folder, (unsigned long long)padded, (unsigned long long)step,
            (unsigned long long)rows);
    }
    return rows > 0 ||
           lw_fail(error, LW_BAD_INPUT, "%s: the tokenizer has no tokens", vocabulary->folder);
}

static bool make(struct lw_merge_vocabulary *vocabulary, struct lw_error *error)
{
    const struct lw_merge_vocabulary_params *params = &vocabulary->params;
    vocabulary->tables = lw_calloc(params->count, sizeof *vocabulary->tables, error);
    vocabulary->limits = lw_calloc(params->count, sizeof *vocabulary->limits, error);
    if (!vocabulary->tables || !vocabulary->limits || !read_parents(vocabulary, error)) {
        return false;
    }
    vocabulary->folder =
        strcmp(params->source, "model") ? params->parents[0].folder : params->model;
    if (!lw_token_table_read(&vocabulary->output, vocabulary->folder, error)) {
        return false;
    }
    vocabulary->kept = cJSON_GetArraySize(vocabulary->output.added);
    if (!strcmp(params->source, "union") && !make_union(vocabulary, error)) {
        return false;
    }
    return lw_merge_read_overrides(vocabulary, error) && check_holes(vocabulary, error) &&
           check_rows(vocabulary, error) && count_rows(vocabulary, error);
}

bool lw_merge_vocabulary_create(struct lw_merge_vocabulary **out,
    const struct lw_merge_vocabulary_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_merge_vocabulary *vocabulary = lw_calloc(1, sizeof *vocabulary, error);
    if (!vocabulary) {
        return false;
    }
    vocabulary->params = *params;
    if (!make(vocabulary, error)) {
        lw_merge_vocabulary_destroy(vocabulary);
        return false;
    }
    *out = vocabulary;
    return true;
}

void lw_merge_vocabulary_destroy(struct lw_merge_vocabulary *vocabulary)
{
    if (!vocabulary) {
        return;
    }
    for (size_t i = 0; vocabulary->tables && i < vocabulary->params.count; i++) {
        lw_token_table_free(&vocabulary->tables[i]);
    }
    for (size_t i = 0; i < vocabulary->map_count; i++) {
        lw_free(vocabulary->maps[i]->rows);
        lw_free(vocabulary->maps[i]->made);
        lw_free(vocabulary->maps[i]);
    }
    lw_token_table_free(&vocabulary->output);
    lw_free(vocabulary->tables);
    lw_free(vocabulary->limits);
    lw_free(vocabulary->overrides);
    lw_free(vocabulary->maps);
    lw_free(vocabulary);
}

uint64_t lw_merge_vocabulary_size(const struct lw_merge_vocabulary *vocabulary)
{
    return vocabulary->rows;
}

const char *lw_merge_vocabulary_folder(const struct lw_merge_vocabulary *vocabulary)
{
    return vocabulary->folder;
}
