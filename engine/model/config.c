// SPDX-License-Identifier: Apache-2.0
// Reads config.json in both layouts that occur: as released (rope_theta, rope_scaling, torch_dtype)
// and as transformers 5 writes it (rope_parameters, dtype). See config.h.
#include "engine/model/config.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"
#include "engine/model/family.h"

// Far above any model and far below an overflow.
#define MOST_DIMENSION ((int64_t)1 << 22)
#define MOST_LAYERS 4096
#define CONFIG_BYTES ((size_t)16 << 20)

static bool find_family(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    const cJSON *list = lw_json_find(scope, "architectures");
    const cJSON *first = cJSON_IsArray(list) ? cJSON_GetArrayItem(list, 0) : NULL;
    const char *architecture = cJSON_GetStringValue(first);
    config->family = architecture ? lw_family_find(architecture) : NULL;
    if (config->family) {
        return true;
    }
    struct lw_string supported = {0};
    for (size_t i = 0; lw_family_at(i); i++) {
        lw_string_addf(&supported, NULL, "%s%s", i ? ", " : "", lw_family_at(i)->architecture);
    }
    lw_fail(error, LW_BAD_INPUT,
        "%s: \"architectures\" is %s, which is not supported; these are: %s", scope->name,
        architecture ? architecture : "missing", lw_string_text(&supported));
    lw_string_free(&supported);
    return false;
}

static bool read_dimension(const struct lw_json_scope *scope, const char *key, int64_t most,
    uint32_t *value, struct lw_error *error)
{
    int64_t number = 0;
    if (!lw_json_integer(scope, key, 1, most, &number, error)) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

static bool read_dimensions(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    if (!read_dimension(scope, "vocab_size", MOST_DIMENSION, &config->vocab_size, error) ||
        !read_dimension(scope, "hidden_size", MOST_DIMENSION, &config->hidden_size, error) ||
        !read_dimension(
            scope, "intermediate_size", MOST_DIMENSION, &config->intermediate_size, error) ||
        !read_dimension(scope, "num_hidden_layers", MOST_LAYERS, &config->layers, error) ||
        !read_dimension(scope, "num_attention_heads", 65536, &config->heads, error)) {
        return false;
    }
    int64_t kv_heads = config->heads;
    uint32_t usual = config->family->absent.head_dim;
    int64_t head_dim = usual ? usual : config->hidden_size / config->heads;
    int64_t positions = config->family->absent.max_positions;
    if (!lw_json_optional_integer(
            scope, "num_key_value_heads", 1, config->heads, &kv_heads, error) ||
        !lw_json_optional_integer(scope, "head_dim", 2, 1024, &head_dim, error) ||
        !lw_json_optional_integer(
            scope, "max_position_embeddings", 1, (int64_t)1 << 31, &positions, error)) {
        return false;
    }
    config->kv_heads = (uint32_t)kv_heads;
    config->head_dim = (uint32_t)head_dim;
    config->max_position_embeddings = (uint32_t)positions;
    if (config->heads % config->kv_heads) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"num_attention_heads\" (%u) must be a multiple of \"num_key_value_heads\" (%u)",
            scope->name, config->heads, config->kv_heads);
    }
    if (head_dim < 2 || head_dim % 2) {
        return lw_fail(error, LW_BAD_INPUT, "%s: the head dimension (%lld) must be even",
            scope->name, (long long)head_dim);
    }
    // Twice the vocabulary times the hidden size in fp32 bounds every tensor's bytes.
    uint64_t largest = (uint64_t)config->vocab_size > 2 * (uint64_t)config->intermediate_size
                           ? config->vocab_size
                           : 2 * (uint64_t)config->intermediate_size;
    if (largest * config->hidden_size > (uint64_t)1 << 38) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: the dimensions make a tensor of %llu elements; "
            "this is no model that exists",
            scope->name, (unsigned long long)(largest * config->hidden_size));
    }
    return true;
}

static bool read_rotary(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    const struct lw_rotary_params params = {.head_dim = config->head_dim,
        .max_positions = config->max_position_embeddings,
        .original_positions = config->family->absent.original_positions};
    if (!lw_rotary_read(&config->rotary, scope, &params, error)) {
        return false;
    }
    bool simple =
        lw_rotary_rows(&config->rotary) == 1 && config->rotary.columns == config->head_dim;
    return !config->family->qk_norm || simple ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: longrope and a \"partial_rotary_factor\" are not supported for %s", scope->name,
               config->family->architecture);
}

static bool read_type(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    static const struct {
        const char *name;
        enum lw_type type;
    } types[] = {{"float32", LW_F32}, {"bfloat16", LW_BF16}, {"float16", LW_F16}};
    const char *name = "float32";
    if (!lw_json_optional_string(scope, "torch_dtype", &name, error) ||
        !lw_json_optional_string(scope, "dtype", &name, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(types[i].name, name)) {
            config->type = types[i].type;
            return true;
        }
    }
    return lw_fail(error, LW_BAD_INPUT,
        "%s: weights of type \"%s\" are not supported; float32, bfloat16 and float16 are",
        scope->name, name);
}

// transformers 5 writes one entry per layer, which says more than the keys that it was made from.
static bool read_layer_types(const struct lw_config *config, const struct lw_json_scope *scope,
    bool *used, struct lw_error *error)
{
    const cJSON *list = lw_json_find(scope, "layer_types"), *item;
    uint32_t layers = 0, sliding = 0;
    cJSON_ArrayForEach(item, list)
    {
        const char *type = cJSON_GetStringValue(item);
        bool slides = type && !strcmp(type, "sliding_attention");
        if (!slides && !(type && !strcmp(type, "full_attention"))) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"layer_types\" holds \"%s\"; full_attention and sliding_attention are "
                "supported",
                scope->name, type ? type : "no text");
        }
        layers++;
        sliding += slides;
    }
    if (layers && sliding && sliding < config->layers) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: a sliding window in only some of the layers (\"layer_types\") is not supported",
            scope->name);
    }
    *used = layers ? sliding > 0 : *used;
    return true;
}

// Where sliding_window counts only with a flag (Qwen), it begins at layer max_window_layers.
static bool read_flagged_window(const struct lw_config *config, const struct lw_json_scope *scope,
    bool *used, struct lw_error *error)
{
    int64_t full_layers = 28; // transformers' default
    *used = false;
    if (!lw_json_optional_bool(scope, "use_sliding_window", used, error) ||
        !lw_json_optional_integer(
            scope, "max_window_layers", 0, (int64_t)1 << 31, &full_layers, error)) {
        return false;
    }
    if (!*used || lw_json_find(scope, "layer_types")) {
        return !*used || read_layer_types(config, scope, used, error);
    }
    if (full_layers > 0 && full_layers < config->layers) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: a sliding window in only some of the layers (\"max_window_layers\": %lld) is "
            "not supported",
            scope->name, (long long)full_layers);
    }
    *used = full_layers == 0; // else no layer is left to have one
    return true;
}

// Whether the key is there, be it as null: which says that there is none, not that it is as usual.
static bool is_given(const struct lw_json_scope *scope, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(scope->object, key) != NULL;
}

static bool read_window(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    const struct lw_family *family = config->family;
    int64_t window = is_given(scope, "sliding_window") ? 0 : family->absent.sliding_window;
    bool used = family->has_window;
    if (!lw_json_optional_integer(scope, "sliding_window", 0, (int64_t)1 << 31, &window, error) ||
        (family->window_needs_flag && !read_flagged_window(config, scope, &used, error))) {
        return false;
    }
    config->sliding_window = used ? (uint32_t)window : 0;
    return true;
}

// nn.Embedding counts a negative id from the end of the vocabulary.
static bool read_pad_token(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    int64_t absent = config->family->absent.pad_token, size = config->vocab_size;
    int64_t none = INT64_MAX, id = is_given(scope, "pad_token_id") || !absent ? none : absent;
    if (!lw_json_optional_integer(scope, "pad_token_id", -size, size - 1, &id, error)) {
        return false;
    }
    config->pad_token = id == none ? LW_CONFIG_NO_TOKEN : (uint32_t)(id < 0 ? id + size : id);
    return true;
}

static bool read_dropout(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const keys[] = {"attention_dropout", "embd_pdrop", "resid_pdrop"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        double value = 0;
        if (!lw_json_optional_number(scope, keys[i], 0, 1, &value, error)) {
            return false;
        }
        config->dropout = value > config->dropout ? value : config->dropout;
    }
    return true;
}

static bool refuse_flags(
    const struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    for (const char *const *key = config->family->refused; key && *key; key++) {
        bool set = false;
        if (!lw_json_optional_bool(scope, *key, &set, error)) {
            return false;
        }
        if (set) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"%s\": true is not supported for %s; false is", scope->name, *key,
                config->family->architecture);
        }
    }
    return true;
}

// An id or a list of them.
static void read_stop_tokens(struct lw_config *config, const cJSON *value)
{
    const cJSON *items = cJSON_IsArray(value) ? value->child : value;
    config->stop_token_count = 0;
    for (const cJSON *item = items; item; item = cJSON_IsArray(value) ? item->next : NULL) {
        if (cJSON_IsNumber(item) && item->valuedouble >= 0 &&
            item->valuedouble < config->vocab_size &&
            config->stop_token_count < LW_CONFIG_STOP_TOKENS) {
            config->stop_tokens[config->stop_token_count++] = (uint32_t)item->valuedouble;
        }
    }
}

static bool read_object(
    struct lw_config *config, const struct lw_json_scope *scope, struct lw_error *error)
{
    const char *activation = "silu";
    double epsilon, range = 0.02;
    if (!lw_json_is_object(scope, error) || !find_family(config, scope, error)) {
        return false;
    }
    epsilon = config->family->absent.rms_norm_eps;
    if (!read_dimensions(config, scope, error) ||
        !lw_json_optional_number(scope, "rms_norm_eps", 0, 1, &epsilon, error) ||
        !lw_json_optional_number(scope, "initializer_range", 0, 10, &range, error) ||
        !lw_json_optional_bool(scope, "tie_word_embeddings", &config->tied, error) ||
        !lw_json_optional_string(scope, "hidden_act", &activation, error) ||
        !read_rotary(config, scope, error) || !read_type(config, scope, error) ||
        !read_window(config, scope, error) || !read_pad_token(config, scope, error) ||
        !read_dropout(config, scope, error) || !refuse_flags(config, scope, error)) {
        return false;
    }
    if (strcmp(activation, "silu") != 0) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"hidden_act\": \"%s\" is not supported; silu is",
            scope->name, activation);
    }
    config->rms_norm_eps = (float)epsilon;
    config->initializer_range = (float)range;
    read_stop_tokens(config, lw_json_find(scope, "eos_token_id"));
    return true;
}

bool lw_config_parse(struct lw_config *config, const char *text, size_t length, const char *name,
    struct lw_error *error)
{
    *config = (struct lw_config){0};
    cJSON *json = lw_json_parse(text, length, name, NULL, error);
    bool read = json && read_object(config, &(struct lw_json_scope){json, name}, error);
    cJSON_Delete(json);
    return read;
}

bool lw_config_load(struct lw_config *config, const char *folder, struct lw_error *error)
{
    struct lw_string path = {0};
    char *text = NULL;
    size_t length = 0;
    bool loaded = lw_string_addf(&path, error, "%s/config.json", folder) &&
                  lw_file_read_whole(path.data, CONFIG_BYTES, &text, &length, error) &&
                  lw_config_parse(config, text, length, path.data, error);
    lw_string_free(&path);
    lw_free(text);
    // generation_config.json knows more stop tokens than config.json (<|im_end|> of chat models).
    cJSON *json = NULL;
    static const char generation[] = "generation_config.json";
    loaded = loaded && lw_json_read_object(&json, folder, generation, false, error);
    const cJSON *stops =
        json ? lw_json_find(&(struct lw_json_scope){json, generation}, "eos_token_id") : NULL;
    if (stops) {
        read_stop_tokens(config, stops);
    }
    cJSON_Delete(json);
    return loaded;
}
