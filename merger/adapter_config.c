// SPDX-License-Identifier: Apache-2.0
// See adapter_config.h.
#include "merger/adapter_config.h"

#include <string.h>

#include "engine/io/json.h"

static const char file_name[] = "adapter_config.json";

// What makes the adapter's product mean something else, where the key is there and not empty.
static bool check_unsupported(const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const keys[] = {"use_dora", "layer_replication", "trainable_token_indices",
        "target_parameters", "lora_bias", "use_qalora", "alora_invocation_tokens", "arrow_config"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *value = lw_json_find(scope, keys[i]);
        bool empty = !value || cJSON_IsFalse(value) ||
                     ((cJSON_IsArray(value) || cJSON_IsObject(value)) && !value->child);
        if (!empty) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"%s\" is set, and such adapters are not folded in; merge this one with PEFT",
                scope->name, keys[i]);
        }
    }
    return true;
}

// PiSSA and its like change the base's weights too, to which the saved adapter belongs.
static bool check_start(const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const harmless[] = {"gaussian", "eva", "orthogonal"};
    const char *start = cJSON_GetStringValue(lw_json_find(scope, "init_lora_weights"));
    for (size_t i = 0; start && i < sizeof harmless / sizeof *harmless; i++) {
        start = strcmp(start, harmless[i]) == 0 ? NULL : start;
    }
    return !start || lw_fail(error, LW_BAD_INPUT,
                         "%s: \"init_lora_weights\" is \"%s\", which changes the base as well; "
                         "save the adapter "
                         "as one of the unchanged base first (PEFT: "
                         "path_initial_model_for_weight_conversion)",
                         scope->name, start);
}

// Keys are regular expressions there; those of plain names are understood.
static bool check_patterns(const struct lw_json_scope *scope, struct lw_error *error)
{
    const cJSON *patterns = lw_json_find(scope, "alpha_pattern");
    for (const cJSON *key = patterns ? patterns->child : NULL; key; key = key->next) {
        if (strpbrk(key->string, "\\^$*+?()[]{}|") || !cJSON_IsNumber(key)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"alpha_pattern\" has the key \"%s\"; plain names with a number are "
                "understood",
                scope->name, key->string);
        }
    }
    return true;
}

bool lw_adapter_config_read(
    struct lw_adapter_config *config, const char *folder, struct lw_error *error)
{
    struct lw_json_scope scope = {NULL, file_name};
    const char *kind = "";
    *config = (struct lw_adapter_config){0};
    if (!lw_json_read_object(&config->json, folder, file_name, true, error)) {
        return false;
    }
    scope.object = config->json;
    if (!lw_json_string(&scope, "peft_type", &kind, error)) {
        return false;
    }
    if (strcmp(kind, "LORA") != 0) {
        return lw_fail(error, LW_BAD_INPUT, "%s/%s: \"peft_type\" is \"%s\"; LORA can be folded in",
            folder, file_name, kind);
    }
    return lw_json_number(&scope, "lora_alpha", -1e9, 1e9, &config->alpha, error) &&
           lw_json_optional_bool(&scope, "use_rslora", &config->use_rslora, error) &&
           lw_json_optional_bool(&scope, "fan_in_fan_out", &config->fan_in_fan_out, error) &&
           check_unsupported(&scope, error) && check_start(&scope, error) &&
           check_patterns(&scope, error);
}

void lw_adapter_config_free(struct lw_adapter_config *config)
{
    cJSON_Delete(config->json);
    config->json = NULL;
}

double lw_adapter_alpha(const struct lw_adapter_config *config, const char *name)
{
    static const char weight[] = ".weight";
    size_t length = strlen(name) - (sizeof weight - 1);
    const cJSON *patterns = cJSON_GetObjectItemCaseSensitive(config->json, "alpha_pattern");
    for (const cJSON *key = cJSON_IsObject(patterns) ? patterns->child : NULL; key;
         key = key->next) {
        size_t tail = strlen(key->string);
        bool ends = tail <= length && !strncmp(name + length - tail, key->string, tail) &&
                    (tail == length || name[length - tail - 1] == '.');
        if (ends) {
            return key->valuedouble;
        }
    }
    return config->alpha;
}
