// SPDX-License-Identifier: Apache-2.0
// The models of a recipe, whole or in slices, and the parameters at each. See recipe_private.h.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/nearest.h"
#include "engine/io/json.h"
#include "engine/io/yaml_tree.h"
#include "merger/recipe_private.h"
#include "merger/setting.h"

// More layers than any model has.
enum { MOST_LAYERS = 100000 };

static const struct lw_merge_parameter_row *find_row(
    const struct lw_merge_method *method, const char *name)
{
    for (size_t i = 0; i < LW_MERGE_METHOD_PARAMETERS && method->parameters[i].name; i++) {
        if (strcmp(method->parameters[i].name, name) == 0) {
            return &method->parameters[i];
        }
    }
    return NULL;
}

static bool is_of_any_method(const char *name)
{
    const struct lw_merge_method *method;
    for (size_t i = 0; (method = lw_merge_method_at(i)); i++) {
        if (find_row(method, name)) {
            return true;
        }
    }
    return false;
}

static bool refuse_parameter(const struct lw_recipe_reading *reading, const cJSON *parameter)
{
    const struct lw_merge_method *method = reading->recipe->method;
    size_t count = 0;
    while (count < LW_MERGE_METHOD_PARAMETERS && method->parameters[count].name) {
        count++;
    }
    const char *near = lw_nearest_name(
        parameter->string, &method->parameters[0].name, count, sizeof method->parameters[0]);
    return lw_fail(reading->error, LW_USAGE, "%s:%d: there is no parameter %.100s%s%s%s",
        reading->recipe->name, lw_yaml_line(parameter), parameter->string,
        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool check_parameter(
    const struct lw_recipe_reading *reading, const cJSON *parameter, bool of_model)
{
    const struct lw_merge_recipe *recipe = reading->recipe;
    const struct lw_merge_parameter_row *row = find_row(recipe->method, parameter->string);
    if (!row && !is_of_any_method(parameter->string)) {
        return refuse_parameter(reading, parameter);
    }
    if (!row) {
        lw_log(reading->log, LW_LOG_WARNING, "%s:%d: %s has no parameter %s; it is of no effect",
            recipe->name, lw_yaml_line(parameter), recipe->method->name, parameter->string);
    } else if (of_model && !row->per_model) {
        lw_log(reading->log, LW_LOG_WARNING,
            "%s:%d: %s is no parameter of a model; it is of no effect here, but would be among the "
            "parameters of the recipe or a slice",
            recipe->name, lw_yaml_line(parameter), parameter->string);
    }
    return lw_merge_setting_check(parameter, recipe->name, parameter->string, reading->error);
}

bool lw_recipe_read_parameters(const struct lw_recipe_reading *reading, const cJSON *map,
    bool of_model, const cJSON **parameters)
{
    *parameters = lw_recipe_find(map, "parameters");
    if (*parameters && !cJSON_IsObject(*parameters)) {
        return lw_recipe_refuse(reading, *parameters, "parameters must be a map");
    }
    for (const cJSON *entry = *parameters ? (*parameters)->child : NULL; entry;
         entry = entry->next) {
        if (!check_parameter(reading, entry, of_model)) {
            return false;
        }
    }
    return true;
}

static bool read_range(
    const struct lw_recipe_reading *reading, const cJSON *range, struct lw_merge_source *source)
{
    int64_t first, end;
    if (!cJSON_IsArray(range) || cJSON_GetArraySize(range) != 2 ||
        !lw_json_as_integer(cJSON_GetArrayItem(range, 0), 0, MOST_LAYERS, &first) ||
        !lw_json_as_integer(cJSON_GetArrayItem(range, 1), 0, MOST_LAYERS, &end) || first >= end) {
        return lw_recipe_refuse(reading, range,
            "layer_range must be [first, end]: the number of the first layer, from 0, and of the "
            "one behind the last");
    }
    source->first = (uint32_t)first;
    source->end = (uint32_t)end;
    return true;
}

// One of `models` (whole), or of a slice's `sources`.
static bool read_source(const struct lw_recipe_reading *reading, const cJSON *map, bool whole,
    struct lw_merge_source *source)
{
    static const char *const model_keys[] = {"model", "parameters", NULL};
    static const char *const slice_keys[] = {"model", "layer_range", "parameters", NULL};
    const char *what = whole ? "a model" : "a source of a slice";
    source->line = lw_yaml_line(map);
    if (!lw_recipe_check_keys(reading, map, whole ? model_keys : slice_keys, what)) {
        return false;
    }
    const cJSON *model = lw_recipe_find(map, "model"), *range = lw_recipe_find(map, "layer_range");
    if (!model) {
        return lw_recipe_refuse(reading, map, "`model` is missing here: the folder of a model");
    }
    if (!whole && !range) {
        return lw_recipe_refuse(
            reading, map, "`layer_range` is missing here: [first, end] of the model's layers");
    }
    return lw_merge_reference_read(&source->model, model, reading->recipe->name, reading->error) &&
           (whole || read_range(reading, range, source)) &&
           lw_recipe_read_parameters(reading, map, true, &source->parameters);
}

static bool read_sources(const struct lw_recipe_reading *reading, const cJSON *list, bool whole,
    struct lw_merge_slice *slice)
{
    if (!cJSON_IsArray(list) || !list->child) {
        return lw_recipe_refuse(reading, list,
            whole ? "`models` must be a list of models" : "`sources` must be a list of sources");
    }
    slice->sources =
        lw_calloc((size_t)cJSON_GetArraySize(list), sizeof *slice->sources, reading->error);
    if (!slice->sources) {
        return false;
    }
    for (const cJSON *item = list->child; item; item = item->next) {
        struct lw_merge_source *source = &slice->sources[slice->count++];
        if (!read_source(reading, item, whole, source)) {
            return false;
        }
        const struct lw_merge_source *first = &slice->sources[0];
        if (source->end - source->first != first->end - first->first) {
            return lw_recipe_refuse(
                reading, item, "the sources of a slice must have the same number of layers");
        }
    }
    return true;
}

static bool read_slice(
    const struct lw_recipe_reading *reading, const cJSON *map, struct lw_merge_slice *slice)
{
    static const char *const keys[] = {
        "sources", "base_model", "parameters", "residual_weight", NULL};
    slice->line = lw_yaml_line(map);
    if (!lw_recipe_check_keys(reading, map, keys, "a slice")) {
        return false;
    }
    const cJSON *sources = lw_recipe_find(map, "sources"),
                *base = lw_recipe_find(map, "base_model"),
                *residual = lw_recipe_find(map, "residual_weight");
    if (!sources) {
        return lw_recipe_refuse(reading, map, "`sources` is missing in this slice");
    }
    if (residual) {
        lw_log(reading->log, LW_LOG_WARNING, "%s:%d: residual_weight is of no effect",
            reading->recipe->name, lw_yaml_line(residual));
    }
    return read_sources(reading, sources, false, slice) &&
           (!base || lw_merge_reference_read(
                         &slice->base, base, reading->recipe->name, reading->error)) &&
           lw_recipe_read_parameters(reading, map, false, &slice->parameters);
}

bool lw_recipe_read_models(const struct lw_recipe_reading *reading, const cJSON *map)
{
    struct lw_merge_recipe *recipe = reading->recipe;
    const cJSON *models = lw_recipe_find(map, "models"), *slices = lw_recipe_find(map, "slices");
    if (!models == !slices) {
        return lw_recipe_refuse(reading, map, "exactly one of `models` and `slices` must be given");
    }
    if (slices && (!cJSON_IsArray(slices) || !slices->child)) {
        return lw_recipe_refuse(reading, slices, "`slices` must be a list of slices");
    }
    recipe->whole = models != NULL;
    size_t count = models ? 1 : (size_t)cJSON_GetArraySize(slices);
    recipe->slices = lw_calloc(count, sizeof *recipe->slices, reading->error);
    if (!recipe->slices) {
        return false;
    }
    if (models) {
        recipe->slice_count = 1;
        recipe->slices[0].line = lw_yaml_line(models);
        return read_sources(reading, models, true, &recipe->slices[0]);
    }
    for (const cJSON *slice = slices->child; slice; slice = slice->next) {
        if (!read_slice(reading, slice, &recipe->slices[recipe->slice_count++])) {
            return false;
        }
    }
    return true;
}
