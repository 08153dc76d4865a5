// SPDX-License-Identifier: Apache-2.0
// The values of parameters at each tensor. The nearest setting that says something about the tensor
// counts: the model's, the slice's, the module's, the recipe's. See plan_private.h.
#include <math.h>
#include <string.h>

#include "merger/plan_private.h"
#include "merger/setting.h"

static bool find_value(const struct lw_plan_draft *draft, const struct lw_plan_place *place,
    const struct lw_merge_source *source, const char *name, double *value)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    const cJSON *const maps[] = {source ? source->parameters : NULL, place->slice->said->parameters,
        recipe->module_parameters, recipe->parameters};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        const cJSON *setting = cJSON_GetObjectItemCaseSensitive(maps[i], name);
        if (setting && lw_merge_setting_value(setting, place->name, place->t, value)) {
            return true;
        }
    }
    return false;
}

static void clear(struct lw_merge_values *values)
{
    for (size_t i = 0; i < LW_MERGE_PARAMETER_COUNT; i++) {
        values->value[i] = NAN;
    }
}

bool lw_plan_tensor_values(const struct lw_plan_draft *draft, const struct lw_plan_place *place,
    struct lw_merge_values *values, struct lw_error *error)
{
    const struct lw_merge_method *method = draft->plan->method;
    clear(values);
    for (size_t i = 0; i < LW_MERGE_METHOD_PARAMETERS && method->parameters[i].name; i++) {
        const struct lw_merge_parameter_row *row = &method->parameters[i];
        double *value = &values->value[row->parameter];
        if (row->per_model || find_value(draft, place, NULL, row->name, value)) {
            continue;
        }
        *value = row->fallback;
        if (row->required) {
            return lw_fail(error, LW_USAGE,
                "%s: %s needs a value of %s for tensor %s; give one under `parameters`",
                draft->params->recipe->name, method->name, row->name, place->name);
        }
    }
    return true;
}

bool lw_plan_input_values(const struct lw_plan_draft *draft, const struct lw_plan_place *place,
    const struct lw_plan_source *source, struct lw_merge_values *values, bool *present,
    struct lw_error *error)
{
    const struct lw_merge_method *method = draft->plan->method;
    bool origin = source->base && method->base != LW_MERGE_BASE_MEMBER;
    *present = true;
    clear(values);
    for (size_t i = 0; i < LW_MERGE_METHOD_PARAMETERS && method->parameters[i].name; i++) {
        const struct lw_merge_parameter_row *row = &method->parameters[i];
        double *value = &values->value[row->parameter];
        if (!row->per_model || find_value(draft, place, source->said, row->name, value)) {
            continue;
        }
        *value = row->fallback;
        *present = *present && (source->said || origin || !row->required);
        if (row->required && !origin && source->said) {
            return lw_fail(error, LW_USAGE,
                "%s:%d: %s needs a value of %s for %s, tensor %s; give one under its `parameters`",
                draft->params->recipe->name, source->said->line, method->name, row->name,
                source->said->model.folder, place->name);
        }
    }
    return true;
}

bool lw_plan_check_weights(
    const struct lw_plan_draft *draft, const struct lw_merge_tensor *tensor, struct lw_error *error)
{
    double sum = 0;
    bool finite = true;
    if (strcmp(draft->plan->method->name, "linear") != 0 ||
        tensor->values.value[LW_MERGE_NORMALIZE] == 0) {
        return true;
    }
    for (size_t i = 0; i < tensor->input_count; i++) {
        sum += tensor->inputs[i].values.value[LW_MERGE_WEIGHT];
    }
    for (size_t i = 0; i < tensor->input_count; i++) {
        finite = finite && isfinite((float)(tensor->inputs[i].values.value[LW_MERGE_WEIGHT] / sum));
    }
    return (finite && isfinite(sum)) ||
           lw_fail(error, LW_USAGE,
               "%s: the weights are divided by their sum, which must be a number other than 0 "
               "(tensor %s)",
               draft->params->recipe->name, tensor->info.name);
}
