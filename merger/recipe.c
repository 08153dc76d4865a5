// SPDX-License-Identifier: Apache-2.0
// See recipe.h.
#include "merger/recipe.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/nearest.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"
#include "engine/io/yaml_tree.h"
#include "merger/recipe_private.h"

enum { RECIPE_BYTES = 1 << 20 };

bool lw_recipe_refuse(
    const struct lw_recipe_reading *reading, const cJSON *value, const char *reason)
{
    return lw_fail(
        reading->error, LW_USAGE, "%s:%d: %s", reading->recipe->name, lw_yaml_line(value), reason);
}

const cJSON *lw_recipe_find(const cJSON *map, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(map, key);
    return value && !cJSON_IsNull(value) ? value : NULL;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

bool lw_recipe_check_keys(const struct lw_recipe_reading *reading, const cJSON *map,
    const char *const *keys, const char *what)
{
    size_t count = 0;
    if (!cJSON_IsObject(map)) {
        return lw_fail(reading->error, LW_USAGE, "%s:%d: %s must be a map of keys and values",
            reading->recipe->name, lw_yaml_line(map), what);
    }
    while (keys[count]) {
        count++;
    }
    for (const cJSON *entry = map->child; entry; entry = entry->next) {
        if (is_one_of(entry->string, keys)) {
            continue;
        }
        const char *near = lw_nearest_name(entry->string, keys, count, sizeof *keys);
        return lw_fail(reading->error, LW_USAGE, "%s:%d: %s has no key %.100s%s%s%s",
            reading->recipe->name, lw_yaml_line(entry), what, entry->string,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    return true;
}

// Where there is a value it must be a text; *text is NULL where there is none.
static bool read_text(
    const struct lw_recipe_reading *reading, const cJSON *map, const char *key, const char **text)
{
    const cJSON *value = lw_recipe_find(map, key);
    *text = cJSON_GetStringValue(value);
    return !value || *text ||
           lw_fail(reading->error, LW_USAGE, "%s:%d: %s must be a text", reading->recipe->name,
               lw_yaml_line(value), key);
}

static const char *const type_names[LW_TYPE_COUNT] = {
    [LW_F32] = "float32", [LW_BF16] = "bfloat16", [LW_F16] = "float16"};

bool lw_merge_type_find(const char *name, enum lw_type *type)
{
    name += strncmp(name, "torch.", 6) == 0 ? 6 : 0;
    for (int i = 0; i < LW_TYPE_COUNT; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *type = (enum lw_type)i;
            return true;
        }
    }
    return false;
}

const char *lw_merge_type_name(enum lw_type type)
{
    return type_names[type];
}

static bool read_type(const struct lw_recipe_reading *reading, const char *key,
    enum lw_type *storage, const enum lw_type **type)
{
    const char *name;
    if (!read_text(reading, reading->recipe->tree, key, &name)) {
        return false;
    }
    if (name && !lw_merge_type_find(name, storage)) {
        return lw_fail(reading->error, LW_USAGE,
            "%s:%d: %s must be float32, bfloat16 or float16, not \"%.60s\"", reading->recipe->name,
            lw_yaml_line(lw_recipe_find(reading->recipe->tree, key)), key, name);
    }
    *type = name ? storage : NULL;
    return true;
}

static bool read_method(const struct lw_recipe_reading *reading)
{
    struct lw_merge_recipe *recipe = reading->recipe;
    const char *name;
    if (!read_text(reading, recipe->tree, "merge_method", &name)) {
        return false;
    }
    if (!name) {
        return lw_recipe_refuse(
            reading, recipe->tree, "`merge_method` is missing, such as `merge_method: linear`");
    }
    recipe->method = lw_merge_method_find(name);
    if (recipe->method) {
        return true;
    }
    struct lw_string known = {0};
    const struct lw_merge_method *method;
    for (size_t i = 0; (method = lw_merge_method_at(i)); i++) {
        lw_string_addf(&known, NULL, "%s%s", i ? ", " : "", method->name);
    }
    lw_fail(reading->error, LW_USAGE, "%s:%d: there is no merge_method \"%.60s\"; there are %s",
        recipe->name, lw_yaml_line(lw_recipe_find(recipe->tree, "merge_method")), name,
        lw_string_text(&known));
    lw_string_free(&known);
    return false;
}

static bool read_tokenizer_source(const struct lw_recipe_reading *reading, const cJSON *source)
{
    struct lw_merge_tokenizer *tokenizer = &reading->recipe->tokenizer;
    const char *text = cJSON_GetStringValue(source);
    if (!source || (text && (!strcmp(text, "union") || !strcmp(text, "base")))) {
        tokenizer->source = text && !strcmp(text, "base") ? "base" : "union";
        return true;
    }
    tokenizer->source = "model";
    return lw_merge_reference_read(
        &tokenizer->model, source, reading->recipe->name, reading->error);
}

static bool read_tokenizer(const struct lw_recipe_reading *reading)
{
    static const char *const keys[] = {"source", "tokens", "pad_to_multiple_of", NULL};
    const cJSON *source = lw_recipe_find(reading->recipe->tree, "tokenizer_source");
    const cJSON *map = lw_recipe_find(reading->recipe->tree, "tokenizer");
    struct lw_merge_tokenizer *tokenizer = &reading->recipe->tokenizer;
    if (source && map) {
        return lw_recipe_refuse(
            reading, map, "tokenizer_source and tokenizer are given; take one of the two");
    }
    if (!map) {
        return !source || read_tokenizer_source(reading, source);
    }
    if (!lw_recipe_check_keys(reading, map, keys, "tokenizer")) {
        return false;
    }
    const cJSON *multiple = lw_recipe_find(map, "pad_to_multiple_of");
    int64_t pad = 0;
    if (multiple && !lw_json_as_integer(multiple, 1, 1 << 20, &pad)) {
        return lw_recipe_refuse(
            reading, multiple, "pad_to_multiple_of must be an integer from 1 to 1048576");
    }
    tokenizer->pad_to_multiple_of = (uint32_t)pad;
    tokenizer->tokens = lw_recipe_find(map, "tokens");
    if (tokenizer->tokens && !cJSON_IsObject(tokenizer->tokens)) {
        return lw_recipe_refuse(
            reading, tokenizer->tokens, "tokens must be a map from tokens to {source, force}");
    }
    return read_tokenizer_source(reading, lw_recipe_find(map, "source"));
}

// Mergekit's text models have one module.
static bool read_module(const struct lw_recipe_reading *reading, const cJSON *modules)
{
    static const char *const keys[] = {"models", "slices", "parameters", NULL};
    if (!cJSON_IsObject(modules) || !modules->child) {
        return lw_recipe_refuse(reading, modules, "modules must be a map from names to modules");
    }
    const cJSON *module = modules->child;
    if (module->next) {
        return lw_fail(reading->error, LW_USAGE,
            "%s:%d: module %.100s beside %.100s: models of several modules are not supported",
            reading->recipe->name, lw_yaml_line(module->next), module->next->string,
            module->string);
    }
    return lw_recipe_check_keys(reading, module, keys, "a module") &&
           lw_recipe_read_parameters(reading, module, false, &reading->recipe->module_parameters) &&
           lw_recipe_read_models(reading, module);
}

static bool read_seed(const struct lw_recipe_reading *reading)
{
    const cJSON *value = lw_recipe_find(reading->recipe->tree, "random_seed");
    int64_t seed = 0;
    if (value && !lw_json_as_integer(value, 0, (int64_t)1 << 53, &seed)) {
        return lw_recipe_refuse(reading, value, "random_seed must be an integer from 0 on");
    }
    reading->recipe->seeded = value != NULL;
    reading->recipe->seed = (uint64_t)seed;
    return true;
}

// Flags of mergekit's command line: in a file, it does not see them.
static const char *const options[] = {"allow_crimes", "transformers_cache", "lora_merge_cache",
    "lora_merge_dtype", "cuda", "device", "low_cpu_memory", "out_shard_size", "copy_tokenizer",
    "clone_tensors", "trust_remote_code", "lazy_unpickle", "lazy_loader", "write_model_card",
    "safe_serialization", "quiet", "read_to_gpu", "multi_gpu", "num_threads", "verbosity",
    "gpu_rich", "embed_slerp", "name", NULL};

static bool check_top_keys(const struct lw_recipe_reading *reading)
{
    static const char *const keys[] = {"merge_method", "base_model", "models", "slices", "modules",
        "parameters", "dtype", "out_dtype", "tokenizer_source", "tokenizer", "chat_template",
        "random_seed", NULL};
    cJSON *tree = reading->recipe->tree;
    for (cJSON *entry = tree->child, *next; entry; entry = next) {
        next = entry->next;
        if (is_one_of(entry->string, options)) {
            lw_log(reading->log, LW_LOG_WARNING, "%s:%d: %s is no key of a recipe; it is ignored",
                reading->recipe->name, lw_yaml_line(entry), entry->string);
            cJSON_Delete(cJSON_DetachItemViaPointer(tree, entry));
        }
    }
    return lw_recipe_check_keys(reading, tree, keys, "a recipe");
}

static bool read_tree(const struct lw_recipe_reading *reading)
{
    struct lw_merge_recipe *recipe = reading->recipe;
    if (!cJSON_IsObject(recipe->tree)) {
        return lw_recipe_refuse(
            reading, recipe->tree, "a recipe is a map of keys and values, such as `models:`");
    }
    if (!check_top_keys(reading) || !read_method(reading)) {
        return false;
    }
    const cJSON *base = lw_recipe_find(recipe->tree, "base_model");
    const cJSON *modules = lw_recipe_find(recipe->tree, "modules");
    if (modules &&
        (lw_recipe_find(recipe->tree, "models") || lw_recipe_find(recipe->tree, "slices"))) {
        return lw_recipe_refuse(
            reading, modules, "exactly one of models, slices and modules must be given");
    }
    return (!base || lw_merge_reference_read(&recipe->base, base, recipe->name, reading->error)) &&
           (modules ? read_module(reading, modules)
                    : lw_recipe_read_models(reading, recipe->tree)) &&
           lw_recipe_read_parameters(reading, recipe->tree, false, &recipe->parameters) &&
           read_type(reading, "dtype", &recipe->types[0], &recipe->compute) &&
           read_type(reading, "out_dtype", &recipe->types[1], &recipe->output) &&
           read_tokenizer(reading) && read_seed(reading) &&
           read_text(reading, recipe->tree, "chat_template", &recipe->chat_template);
}

bool lw_merge_recipe_parse(struct lw_merge_recipe **out, const char *text, size_t length,
    const char *name, const struct lw_log *log, struct lw_error *error)
{
    *out = NULL;
    struct lw_merge_recipe *recipe = lw_calloc(1, sizeof *recipe, error);
    if (!recipe) {
        return false;
    }
    recipe->name = lw_strdup(name, error);
    recipe->text = recipe->name ? lw_strndup(text, length, error) : NULL;
    recipe->tree = recipe->text ? lw_yaml_parse(text, length, name, NULL, error) : NULL;
    if (!recipe->tree ||
        !read_tree(&(struct lw_recipe_reading){.recipe = recipe, .log = log, .error = error})) {
        lw_merge_recipe_destroy(recipe);
        return false;
    }
    *out = recipe;
    return true;
}

bool lw_merge_recipe_read(struct lw_merge_recipe **recipe, const char *path,
    const struct lw_log *log, struct lw_error *error)
{
    char *text = NULL;
    size_t length;
    *recipe = NULL;
    if (!lw_file_read_whole(path, RECIPE_BYTES, &text, &length, error)) {
        return false;
    }
    bool read = lw_merge_recipe_parse(recipe, text, length, path, log, error);
    lw_free(text);
    return read;
}

static bool add_adapter(
    struct lw_string *text, const struct lw_merge_simple *simple, struct lw_error *error)
{
    return lw_string_addf(
               text, error, "merge_method: passthrough\nmodels:\n  - model: {model: {path: ") &&
           lw_json_quote(text, simple->models[0], error) &&
           lw_string_addf(text, error, "}, lora: {path: ") &&
           lw_json_quote(text, simple->adapter, error) && lw_string_addf(text, error, "}}\n");
}

static bool add_models(
    struct lw_string *text, const struct lw_merge_simple *simple, struct lw_error *error)
{
    bool added = lw_string_addf(text, error, "merge_method: linear\nbase_model: ") &&
                 lw_json_quote(text, simple->models[0], error) &&
                 lw_string_addf(text, error, "\nmodels:\n");
    for (size_t i = 0; added && i < simple->count; i++) {
        added = lw_string_addf(text, error, "  - model: ") &&
                lw_json_quote(text, simple->models[i], error) &&
                lw_string_addf(text, error, "\n    parameters:\n      weight: %.17g\n",
                    simple->weights ? simple->weights[i] : 1);
    }
    return added;
}

bool lw_merge_recipe_simple(
    struct lw_merge_recipe **recipe, const struct lw_merge_simple *simple, struct lw_error *error)
{
    *recipe = NULL;
    if (simple->count < 2 && !simple->adapter) {
        return lw_fail(error, LW_USAGE, "a merge takes at least two models");
    }
    struct lw_string text = {0};
    bool made =
        simple->adapter ? add_adapter(&text, simple, error) : add_models(&text, simple, error);
    if (made && simple->type) {
        made = lw_string_addf(&text, error, "dtype: %s\n", type_names[*simple->type]);
    }
    made = made && lw_merge_recipe_parse(
                       recipe, lw_string_text(&text), text.length, "the models", NULL, error);
    lw_string_free(&text);
    return made;
}

void lw_merge_recipe_destroy(struct lw_merge_recipe *recipe)
{
    if (!recipe) {
        return;
    }
    for (size_t i = 0; i < recipe->slice_count; i++) {
        struct lw_merge_slice *slice = &recipe->slices[i];
        for (size_t k = 0; k < slice->count; k++) {
            lw_merge_reference_free(&slice->sources[k].model);
        }
        lw_merge_reference_free(&slice->base);
        lw_free(slice->sources);
    }
    lw_merge_reference_free(&recipe->base);
    lw_merge_reference_free(&recipe->tokenizer.model);
    lw_free(recipe->slices);
    cJSON_Delete(recipe->tree);
    lw_free(recipe->text);
    lw_free(recipe->name);
    lw_free(recipe);
}
