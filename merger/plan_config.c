// SPDX-License-Identifier: Apache-2.0
// The result's config.json: the first parent's, with the type that was asked for and, where layers are
// put together anew, their number and the lists that have a value for each. See plan_private.h.
#include <string.h>

#include "engine/io/json.h"
#include "merger/plan_private.h"

cJSON *lw_merge_plan_config(struct lw_merge_plan *plan, struct lw_error *error)
{
    if (!plan->config) {
        plan->config = cJSON_Duplicate(plan->parents[0].config, true);
    }
    if (!plan->config) {
        lw_fail_memory(error, "config.json", 0);
    }
    return plan->config;
}

// Puts `value`, which is gone then, in place of the key's.
static bool set(cJSON *config, const char *key, cJSON *value, struct lw_error *error)
{
    bool done = value && (cJSON_HasObjectItem(config, key)
                                 ? cJSON_ReplaceItemInObjectCaseSensitive(config, key, value)
                                 : cJSON_AddItemToObject(config, key, value));
    if (!done) {
        cJSON_Delete(value);
        return lw_fail_memory(error, "config.json", 0);
    }
    return true;
}

// transformers 5 reads "dtype", earlier ones "torch_dtype"; what the first parent has is set, the
// older name where it has neither.
static bool set_type(struct lw_merge_plan *plan, struct lw_error *error)
{
    static const char *const keys[] = {"torch_dtype", "dtype"};
    cJSON *config = lw_merge_plan_config(plan, error);
    bool done = config != NULL, found = false;
    for (size_t i = 0; done && i < sizeof keys / sizeof *keys; i++) {
        if (cJSON_HasObjectItem(config, keys[i])) {
            found = true;
            done = set(config, keys[i], cJSON_CreateString(lw_merge_type_name(plan->type)), error);
        }
    }
    return done && (found || set(config, keys[0],
                                 cJSON_CreateString(lw_merge_type_name(plan->type)), error));
}

// The result has the layers of the first parent, each in its place.
static bool keeps_layers(const struct lw_plan_draft *draft)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    uint32_t number = 0;
    for (size_t i = 0; !recipe->whole && i < recipe->slice_count; i++) {
        const struct lw_plan_source *from = &draft->slices[i].sources[draft->slices[i].reference];
        if (from->parent != 0 || from->said->first != number) {
            return false;
        }
        number = from->said->end;
    }
    return recipe->whole || number == draft->plan->parents[0].stacks[0].layers;
}

// Appends to `list` what the slice's layers have of the key's list: its items, or where they are
// numbers of layers (`indices`), those of the slice, as numbers in the result.
static bool add_part(cJSON *list, const struct lw_plan_draft *draft,
    const struct lw_plan_slice *slice, const char *key, uint32_t number)
{
    const struct lw_merge_source *said = slice->sources[slice->reference].said;
    const cJSON *values =
        cJSON_GetObjectItemCaseSensitive(lw_plan_reference(draft, slice)->config, key);
    bool indices = strcmp(key, "mlp_only_layers") == 0, done = true;
    int64_t layer = 0;
    for (const cJSON *value = values ? values->child : NULL; done && value; value = value->next) {
        if (indices && !lw_json_as_integer(value, 0, UINT32_MAX, &layer)) {
            continue;
        }
        if (layer >= said->first && layer < said->end) {
            cJSON *item = indices ? cJSON_CreateNumber((double)(layer - said->first + number))
                                  : cJSON_Duplicate(value, true);
            done = item && cJSON_AddItemToArray(list, item);
        }
        layer += !indices;
    }
    return done;
}

// A list of config.json with one value for each layer, or with numbers of layers.
static bool is_of_layers(const cJSON *value, uint32_t layers)
{
    bool named =
        value->string && (strstr(value->string, "layer") || strstr(value->string, "block"));
    return cJSON_IsArray(value) && named &&
           (strcmp(value->string, "mlp_only_layers") == 0 ||
               cJSON_GetArraySize(value) == (int)layers);
}

static bool set_list(struct lw_plan_draft *draft, const char *key, struct lw_error *error)
{
    bool indices = strcmp(key, "mlp_only_layers") == 0;
    cJSON *list = cJSON_CreateArray();
    uint32_t number = 0;
    bool done = list != NULL;
    for (size_t i = 0; done && i < draft->params->recipe->slice_count; i++) {
        const struct lw_plan_slice *slice = &draft->slices[i];
        const struct lw_merge_source *said = slice->sources[slice->reference].said;
        done = add_part(list, draft, slice, key, number);
        number += said->end - said->first;
        if (done && !indices && cJSON_GetArraySize(list) != (int)number) {
            cJSON_Delete(list);
            return lw_fail(error, LW_BAD_INPUT,
                "%s: config.json has no \"%s\" for each of its layers, and %s has",
                lw_plan_reference(draft, slice)->folder, key, draft->plan->parents[0].folder);
        }
    }
    if (!done) {
        cJSON_Delete(list);
        return lw_fail_memory(error, "config.json", 0);
    }
    return set(draft->plan->config, key, list, error);
}

static bool set_layers(struct lw_plan_draft *draft, struct lw_error *error)
{
    const struct lw_merge_parent *first = &draft->plan->parents[0];
    cJSON *config = lw_merge_plan_config(draft->plan, error);
    uint32_t count = 0;
    if (!config) {
        return false;
    }
    if (!first->layers_key || first->stack_count != 1) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: config.json has no number of layers that can be changed", first->folder);
    }
    for (size_t i = 0; i < draft->params->recipe->slice_count; i++) {
        const struct lw_merge_source *said = draft->slices[i].said->sources;
        count += said->end - said->first;
    }
    if (!set(config, first->layers_key, cJSON_CreateNumber(count), error)) {
        return false;
    }
    for (const cJSON *value = first->config->child; value; value = value->next) {
        if (is_of_layers(value, first->stacks[0].layers) &&
            !set_list(draft, value->string, error)) {
            return false;
        }
    }
    return true;
}

bool lw_plan_config(struct lw_plan_draft *draft, struct lw_error *error)
{
    return (!draft->plan->converted || set_type(draft->plan, error)) &&
           (keeps_layers(draft) || set_layers(draft, error));
}
