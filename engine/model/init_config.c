// SPDX-License-Identifier: Apache-2.0
// See init_config.h.
#include "engine/model/init_config.h"

#include <string.h>

#include "engine/io/json.h"

#define MOST_TOKENS ((int64_t)1 << 31)

// Sets a member, replacing what is there; takes `value`, which may be NULL when memory is out.
static bool set(cJSON *object, const char *key, cJSON *value, struct lw_error *error)
{
    bool done = value && (cJSON_HasObjectItem(object, key)
                                 ? cJSON_ReplaceItemInObjectCaseSensitive(object, key, value)
                                 : cJSON_AddItemToObject(object, key, value));
    if (!done) {
        cJSON_Delete(value);
        return lw_fail_memory(error, key, 0);
    }
    return true;
}

static bool set_type(cJSON *object, enum lw_type type, struct lw_error *error)
{
    static const char *const names[LW_TYPE_COUNT] = {
        [LW_F32] = "float32", [LW_BF16] = "bfloat16", [LW_F16] = "float16"};
    bool newer = cJSON_HasObjectItem(object, "dtype");
    return (!newer || set(object, "dtype", cJSON_CreateString(names[type]), error)) &&
           ((newer && !cJSON_HasObjectItem(object, "torch_dtype")) ||
               set(object, "torch_dtype", cJSON_CreateString(names[type]), error));
}

static bool set_tokenizer(cJSON *object, const struct lw_json_scope *scope,
    const struct lw_init_tokenizer *tokenizer, struct lw_error *error)
{
    int64_t size = 0;
    const struct {
        const char *key;
        int64_t token;
    } tokens[] = {{"bos_token_id", tokenizer->bos}, {"eos_token_id", tokenizer->eos}};
    if (!lw_json_integer(scope, "vocab_size", 1, MOST_TOKENS, &size, error)) {
        return false;
    }
    uint64_t needed = (tokenizer->size + (uint64_t)63) / 64 * 64;
    if (size < (int64_t)tokenizer->size &&
        !set(object, "vocab_size", cJSON_CreateNumber((double)needed), error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        bool wanted = tokens[i].token >= 0 && !lw_json_find(scope, tokens[i].key);
        if (wanted &&
            !set(object, tokens[i].key, cJSON_CreateNumber((double)tokens[i].token), error)) {
            return false;
        }
    }
    return true;
}

static bool print(const cJSON *object, struct lw_string *text, struct lw_error *error)
{
    char *printed = cJSON_Print(object);
    bool done = printed ? lw_string_addf(text, error, "%s\n", printed)
                        : lw_fail_memory(error, "a config file", 0);
    cJSON_free(printed);
    return done;
}

// What generating takes from config.json, under the names that transformers gives it.
static bool make_generation(
    struct lw_init_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const keys[] = {"bos_token_id", "eos_token_id", "pad_token_id"};
    cJSON *object = cJSON_CreateObject();
    bool done = object && set(object, "_from_model_config", cJSON_CreateTrue(), error);
    for (size_t i = 0; done && i < sizeof keys / sizeof *keys; i++) {
        const cJSON *value = lw_json_find(scope, keys[i]);
        done = !value || set(object, keys[i], cJSON_Duplicate(value, true), error);
    }
    done = done && print(object, &config->generation, error);
    cJSON_Delete(object);
    return done ? done : lw_fail_memory(error, "generation_config.json", 0);
}

bool lw_init_config_make(
    struct lw_init_config *config, const struct lw_init_params *params, struct lw_error *error)
{
    *config = (struct lw_init_config){0};
    const char *text = params->config;
    cJSON *object = lw_json_parse(text, strlen(text), params->name, NULL, error);
    const struct lw_json_scope scope = {object, params->name};
    struct lw_config as_given;
    bool made = object && lw_config_parse(&as_given, text, strlen(text), params->name, error);
    made = made && set_type(object, params->type ? *params->type : as_given.type, error) &&
           (!params->tokenizer || set_tokenizer(object, &scope, params->tokenizer, error)) &&
           print(object, &config->text, error) && make_generation(config, &scope, error) &&
           lw_config_parse(
               &config->model, config->text.data, config->text.length, params->name, error);
    cJSON_Delete(object);
    return made;
}

void lw_init_config_free(struct lw_init_config *config)
{
    lw_string_free(&config->text);
    lw_string_free(&config->generation);
}
