// SPDX-License-Identifier: Apache-2.0
// See adapter_config.h. Every key of the file is in the table below, or has a value that sets nothing:
// what a later PEFT adds may change what the tensors mean, and they would look the same.
#include "merger/adapter_config.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/io/json.h"

static const struct {
    const char *key;
    const char *refusal; // NULL: read below, or of no effect on what the tensors mean
} keys[] = {
    {"peft_type", NULL},
    {"r", NULL},
    {"lora_alpha", NULL},
    {"use_rslora", NULL},
    {"rank_pattern", NULL},
    {"alpha_pattern", NULL},
    {"fan_in_fan_out", NULL},
    {"bias", NULL},
    {"init_lora_weights", NULL},
    {"ensure_weight_tying", NULL},
    // The tensors in the file say it.
    {"lora_bias", NULL},
    {"modules_to_save", NULL},
    {"target_modules", NULL},
    {"exclude_modules", NULL},
    {"layers_to_transform", NULL},
    {"layers_pattern", NULL},
    // For training, or for people.
    {"lora_dropout", NULL},
    {"inference_mode", NULL},
    {"task_type", NULL},
    {"base_model_name_or_path", NULL},
    {"revision", NULL},
    {"peft_version", NULL},
    {"auto_mapping", NULL},
    {"runtime_config", NULL},
    {"megatron_core", NULL},     // counts only beside megatron_config
    {"qalora_group_size", NULL}, // only beside use_qalora
    {"loftq_config", NULL},      // only beside the init_lora_weights of the same name, which is
    {"eva_config", NULL},        // refused where it changes the base
    {"corda_config", NULL},
    {"lora_ga_config", NULL},
    {"unsloth_fixed", NULL},
    {"use_dora", "DoRA's magnitudes are not supported"},
    {"use_qalora", "QALoRA is for quantized bases"},
    {"layer_replication", "it repeats layers; a recipe with slices can do that before"},
    {"trainable_token_indices", "rows of single tokens are not supported"},
    {"target_parameters", "products for parameters that are no module's weight are not supported"},
    {"alora_invocation_tokens", "it works on a part of the text only, which no weights can hold"},
    {"megatron_config", "layers of Megatron are not supported"},
    {"arrow_config", "a router among adapters cannot be folded into weights"},
};

// null, false, 0, "", [] and {}.
static bool sets_nothing(const cJSON *value)
{
    bool empty_text = cJSON_IsString(value) && !*value->valuestring;
    bool empty_list = (cJSON_IsArray(value) || cJSON_IsObject(value)) && !value->child;
    bool zero = cJSON_IsNumber(value) && value->valuedouble == 0;
    return cJSON_IsNull(value) || cJSON_IsFalse(value) || empty_text || empty_list || zero;
}

static bool check_key(const struct lw_json_scope *scope, const cJSON *value, struct lw_error *error)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i].key, value->string) == 0) {
            return !keys[i].refusal || sets_nothing(value) ||
                   lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" is set: %s", scope->name, value->string,
                       keys[i].refusal);
        }
    }
    return sets_nothing(value) || lw_fail(error, LW_BAD_INPUT,
                                      "%s: \"%.100s\" is not a setting that Lewin knows, and it "
                                      "may change what the tensors "
                                      "mean; where it does not, set it to null",
                                      scope->name, value->string);
}

// Some ways to begin a training also change the base: the tensors are differences from a base that
// is not the one on the disk.
static bool check_start(const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const harmless[] = {"gaussian", "eva", "orthogonal", "true", "false"};
    const cJSON *start = lw_json_find(scope, "init_lora_weights");
    bool known = !start || cJSON_IsBool(start);
    for (size_t i = 0; cJSON_IsString(start) && i < sizeof harmless / sizeof *harmless; i++) {
        known = known || strcmp(start->valuestring, harmless[i]) == 0;
    }
    return known ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: \"init_lora_weights\" is \"%.40s\", which may have changed the base before the "
               "training; save the adapter with PEFT's path_initial_model_for_weight_conversion, "
               "which makes it a difference from the original base",
               scope->name, cJSON_IsString(start) ? start->valuestring : "no text");
}

static bool check_kind(
    const struct lw_json_scope *scope, struct lw_adapter_config *config, struct lw_error *error)
{
    const char *type = NULL, *bias = "none";
    if (!lw_json_string(scope, "peft_type", &type, error) ||
        !lw_json_optional_string(scope, "bias", &bias, error)) {
        return false;
    }
    config->biases = strcmp(bias, "none") != 0;
    if (strcmp(type, "LORA") != 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"peft_type\" is \"%.40s\"; only LORA can be folded in", scope->name, type);
    }
    return !config->biases || strcmp(bias, "all") == 0 || strcmp(bias, "lora_only") == 0 ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: \"bias\" is \"%.40s\", not \"none\", \"all\" or \"lora_only\"", scope->name,
               bias);
}

// Whether a | stands outside of all parentheses, so that an anchor at an end is not the whole key's.
static bool has_alternatives(const char *key)
{
    int depth = 0;
    for (; *key; key++) {
        if (*key == '|' && depth <= 0) {
            return true;
        }
        depth += (*key == '(') - (*key == ')');
        key += *key == '\\' && key[1];
    }
    return false;
}

// PEFT matches (.*\.)?(KEY)$ with the module's whole name, KEY being a regular expression, often with a
// ^ before it. Anchors are written as looks at nothing before and nothing behind; others than at the
// ends are refused.
static bool write_pattern(struct lw_string *text, const char *key, struct lw_error *error)
{
    size_t length = strlen(key);
    bool alternatives = has_alternatives(key);
    bool whole = *key == '^' && !alternatives;
    bool ended = length > 1 && key[length - 1] == '$' && key[length - 2] != '\\' && !alternatives;
    return lw_string_addf(text, error, "(?<!.)%s(?:", whole ? "" : "(?:.*\\.)?") &&
           lw_string_add(text, key + whole, length - whole - ended, error) &&
           lw_string_addf(text, error, ")(?!.)");
}

static bool add_pattern(struct lw_adapter_patterns *patterns, const struct lw_json_scope *scope,
    const cJSON *item, const double *range, struct lw_error *error)
{
    double value = 0;
    struct lw_string text = {0};
    if (!lw_json_number(scope, item->string, range[0], range[1], &value, error) ||
        !lw_reserve(&patterns->items, &patterns->capacity, patterns->count + 1,
            sizeof *patterns->items, error)) {
        return false;
    }
    struct lw_adapter_pattern *pattern = &patterns->items[patterns->count];
    *pattern = (struct lw_adapter_pattern){.value = value};
    struct lw_error cause = {0};
    bool added = write_pattern(&text, item->string, error);
    if (added && !lw_pattern_create(&pattern->pattern, lw_string_text(&text), false, &cause)) {
        added = lw_fail(
            error, cause.status, "%s: \"%.200s\": %s", scope->name, item->string, cause.message);
    }
    patterns->count += added;
    lw_string_free(&text);
    return added;
}

static bool read_patterns(const struct lw_json_scope *scope, const char *key, const double *range,
    struct lw_adapter_patterns *patterns, struct lw_error *error)
{
    struct lw_string name = {0};
    const cJSON *object = lw_json_find(scope, key);
    if (!object) {
        return true;
    }
    bool read = lw_string_addf(&name, error, "%s: \"%s\"", scope->name, key);
    const struct lw_json_scope inner = {object, lw_string_text(&name)};
    read = read && lw_json_is_object(&inner, error);
    for (const cJSON *item = read ? object->child : NULL; read && item; item = item->next) {
        read = add_pattern(patterns, &inner, item, range, error);
    }
    lw_string_free(&name);
    return read;
}

static bool read_settings(
    const struct lw_json_scope *scope, struct lw_adapter_config *config, struct lw_error *error)
{
    // Ranks that a tensor can have; factors that a float can hold.
    static const double ranks[] = {1, 1 << 20}, alphas[] = {-1e30, 1e30};
    config->rank = config->alpha = 8; // PEFT's defaults
    if (!check_kind(scope, config, error)) {
        return false;
    }
    for (const cJSON *value = scope->object->child; value; value = value->next) {
        if (!check_key(scope, value, error)) {
            return false;
        }
    }
    return check_start(scope, error) &&
           lw_json_optional_number(scope, "r", ranks[0], ranks[1], &config->rank, error) &&
           lw_json_optional_number(
               scope, "lora_alpha", alphas[0], alphas[1], &config->alpha, error) &&
           lw_json_optional_bool(scope, "use_rslora", &config->rslora, error) &&
           lw_json_optional_bool(scope, "fan_in_fan_out", &config->fan_in_fan_out, error) &&
           lw_json_optional_bool(scope, "ensure_weight_tying", &config->weight_tying, error) &&
           read_patterns(scope, "rank_pattern", ranks, &config->ranks, error) &&
           read_patterns(scope, "alpha_pattern", alphas, &config->alphas, error);
}

bool lw_adapter_config_read(
    struct lw_adapter_config *config, const char *folder, struct lw_error *error)
{
    static const char name[] = "adapter_config.json";
    cJSON *json = NULL;
    if (!lw_path_join(&config->path, folder, name, error) ||
        !lw_json_read_object(&json, folder, name, true, error)) {
        return false;
    }
    const struct lw_json_scope scope = {json, lw_string_text(&config->path)};
    bool read = read_settings(&scope, config, error);
    cJSON_Delete(json);
    return read;
}

static void free_patterns(struct lw_adapter_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        lw_pattern_destroy(patterns->items[i].pattern);
    }
    lw_free(patterns->items);
    *patterns = (struct lw_adapter_patterns){0};
}

void lw_adapter_config_free(struct lw_adapter_config *config)
{
    lw_string_free(&config->path);
    free_patterns(&config->ranks);
    free_patterns(&config->alphas);
}

// The value of the first pattern that matches; without one *value stays.
static bool look_up(const struct lw_adapter_patterns *patterns, const char *module, double *value,
    struct lw_error *error)
{
    struct lw_matcher matcher = {0};
    bool found = false, looked = true;
    for (size_t i = 0; looked && !found && i < patterns->count; i++) {
        size_t start, end;
        lw_matcher_begin(&matcher, patterns->items[i].pattern, module, strlen(module));
        looked = lw_matcher_next(&matcher, &found, &start, &end, error);
        *value = looked && found ? patterns->items[i].value : *value;
    }
    lw_matcher_free(&matcher);
    return looked;
}

bool lw_adapter_config_scale(const struct lw_adapter_config *config, const char *module,
    double *rank, double *scale, struct lw_error *error)
{
    double alpha = config->alpha;
    *rank = config->rank;
    if (!look_up(&config->ranks, module, rank, error) ||
        !look_up(&config->alphas, module, &alpha, error)) {
        return false;
    }
    *scale = alpha / (config->rslora ? sqrt(*rank) : *rank);
    return true;
}
