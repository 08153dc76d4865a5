// SPDX-License-Identifier: Apache-2.0
// Any bytes as YAML, and as a recipe of a merge. What is accepted stays in its limits; a refusal names
// the file.
#include <assert.h>
#include <string.h>

#include "engine/io/yaml_tree.h"
#include "merger/recipe.h"
#include "merger/setting.h"
#include "tests/fuzz/fuzz.h"

static size_t count(const cJSON *value, size_t depth)
{
    size_t values = 1;
    assert(depth <= 33 && lw_yaml_line(value) >= 1);
    for (const cJSON *child = value->child; child; child = child->next) {
        values += count(child, depth + 1);
    }
    return values;
}

static void check_parameters(const cJSON *parameters)
{
    for (const cJSON *entry = parameters ? parameters->child : NULL; entry; entry = entry->next) {
        for (int quarter = 0; quarter <= 4; quarter++) {
            double value = 0;
            lw_merge_setting_value(
                entry, "model.layers.3.mlp.up_proj.weight", quarter / 4.0, &value);
        }
    }
}

static void check_recipe(const struct lw_merge_recipe *recipe)
{
    assert(recipe->method && recipe->slice_count >= 1);
    check_parameters(recipe->parameters);
    check_parameters(recipe->module_parameters);
    for (size_t i = 0; i < recipe->slice_count; i++) {
        const struct lw_merge_slice *slice = &recipe->slices[i];
        check_parameters(slice->parameters);
        assert(slice->count >= 1);
        for (size_t k = 0; k < slice->count; k++) {
            check_parameters(slice->sources[k].parameters);
            assert(slice->sources[k].model.folder);
            assert(recipe->whole || slice->sources[k].first < slice->sources[k].end);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lw_error error = {0};
    struct lw_merge_recipe *recipe;
    cJSON *tree = lw_yaml_parse((const char *)bytes, size, "r.yml", NULL, &error);
    assert(tree || (error.status == LW_USAGE && strstr(error.message, "r.yml")));
    assert(!tree || count(tree, 1) <= 20001);
    cJSON_Delete(tree);
    error = (struct lw_error){0};
    if (lw_merge_recipe_parse(&recipe, (const char *)bytes, size, "r.yml", NULL, &error)) {
        check_recipe(recipe);
        lw_merge_recipe_destroy(recipe);
    } else {
        assert(error.status == LW_USAGE && strstr(error.message, "r.yml"));
    }
    return 0;
}
