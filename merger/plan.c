// SPDX-License-Identifier: Apache-2.0
// See plan.h. Here: the models of each slice, and the order of the steps.
#include "merger/plan.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/yaml_tree.h"
#include "merger/chat_template.h"
#include "merger/plan_private.h"
#include "merger/vocabulary.h"

// The number of the parent that `model` is; it becomes one where it is none yet.
static size_t parent_of(struct lw_plan_draft *draft, const struct lw_merge_reference *model)
{
    struct lw_merge_plan *plan = draft->plan;
    for (size_t i = 0; i < plan->parent_count; i++) {
        const struct lw_merge_parent *parent = &plan->parents[i];
        bool same_adapter = parent->adapter && model->adapter
                                ? strcmp(parent->adapter, model->adapter) == 0
                                : parent->adapter == model->adapter;
        if (same_adapter && strcmp(parent->folder, model->folder) == 0) {
            return i;
        }
    }
    plan->parents[plan->parent_count] =
        (struct lw_merge_parent){.folder = model->folder, .adapter = model->adapter};
    return plan->parent_count++;
}

// Of several layer ranges, a model alone is what comes out, as in mergekit, but for methods that take
// differences from a base.
static bool takes_one(const struct lw_merge_method *method)
{
    return method->base != LW_MERGE_BASE_REQUIRED || method->most == 1;
}

// Adds a base that is not among the slice's models. Where it is a model like the others, mergekit adds
// it too, if the method takes one more.
static bool add_base(struct lw_plan_draft *draft, struct lw_plan_slice *slice,
    const struct lw_merge_reference *base, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    bool member = recipe->method->base == LW_MERGE_BASE_MEMBER;
    if (!recipe->whole) {
        return member || (slice->count == 1 && takes_one(recipe->method)) ||
               lw_fail(error, LW_USAGE,
                   "%s:%d: base_model %s is no source of this slice, and %s needs its layers: add "
                   "it with its layer_range",
                   recipe->name, slice->said->line, base->folder, recipe->method->name);
    }
    if (!member || slice->count < recipe->method->most) {
        slice->sources[slice->count++] =
            (struct lw_plan_source){.parent = parent_of(draft, base), .base = true};
    }
    return true;
}

// The number of models must be one that the method takes.
static bool check_count(
    struct lw_plan_draft *draft, const struct lw_plan_slice *slice, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    const struct lw_merge_method *method = recipe->method;
    bool member = method->base == LW_MERGE_BASE_MEMBER;
    size_t bases = 0, count = 0;
    for (size_t i = 0; i < slice->count; i++) {
        bases += slice->sources[i].base && !member;
        count += (!slice->sources[i].base || member) && slice->sources[i].said;
    }
    if (!recipe->whole && slice->count == 1 && (bases || takes_one(method))) {
        return true;
    }
    if (method->base == LW_MERGE_BASE_REQUIRED && !bases) {
        return lw_fail(error, LW_USAGE,
            "%s:%d: %s needs a `base_model`: the model from which the others were made",
            recipe->name, slice->said->line, method->name);
    }
    if (bases > 1) {
        return lw_fail(error, LW_USAGE, "%s:%d: the base_model stands here %zu times", recipe->name,
            slice->said->line, bases);
    }
    if (count >= method->least && count <= method->most) {
        return true;
    }
    return lw_fail(error, LW_USAGE, "%s:%d: %s merges %s %zu model%s%s; here are %zu", recipe->name,
        slice->said->line, method->name, method->most == method->least ? "exactly" : "at least",
        method->least, method->least == 1 ? "" : "s", bases ? " besides the base_model" : "",
        count);
}

static bool gather_slice(struct lw_plan_draft *draft, struct lw_plan_slice *slice,
    const struct lw_merge_slice *said, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    const struct lw_merge_reference *base = said->base.folder ? &said->base : &recipe->base;
    bool listed = false;
    slice->said = said;
    slice->sources = lw_calloc(said->count + 1, sizeof *slice->sources, error);
    if (!slice->sources) {
        return false;
    }
    for (size_t i = 0; i < said->count; i++) {
        struct lw_plan_source *source = &slice->sources[slice->count++];
        source->said = &said->sources[i];
        source->parent = parent_of(draft, &source->said->model);
        source->base = lw_merge_reference_same(&source->said->model, base);
        slice->reference = source->base && !listed ? i : slice->reference;
        listed = listed || source->base;
    }
    if (base->folder && !listed) {
        if (!add_base(draft, slice, base, error)) {
            return false;
        }
        slice->reference = slice->count > said->count ? said->count : 0;
    }
    return check_count(draft, slice, error);
}

// Finds out which models there are; the one that gives the config comes first.
static bool gather_models(struct lw_plan_draft *draft, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    size_t most = 1;
    for (size_t i = 0; i < recipe->slice_count; i++) {
        most += recipe->slices[i].count + 1;
    }
    draft->plan->parents = lw_calloc(most, sizeof *draft->plan->parents, error);
    draft->slices = lw_calloc(recipe->slice_count, sizeof *draft->slices, error);
    if (!draft->plan->parents || !draft->slices) {
        return false;
    }
    if (recipe->base.folder) {
        parent_of(draft, &recipe->base);
    }
    for (size_t i = 0; i < recipe->slice_count; i++) {
        if (!gather_slice(draft, &draft->slices[i], &recipe->slices[i], error)) {
            return false;
        }
    }
    return true;
}

static bool check_folders(const struct lw_merge_recipe *recipe, struct lw_error *error)
{
    if (recipe->base.folder && !lw_merge_reference_check(&recipe->base, recipe->name, error)) {
        return false;
    }
    for (size_t i = 0; i < recipe->slice_count; i++) {
        for (size_t k = 0; k < recipe->slices[i].count; k++) {
            if (!lw_merge_reference_check(
                    &recipe->slices[i].sources[k].model, recipe->name, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool open_parents(struct lw_plan_draft *draft, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    if (!check_folders(draft->params->recipe, error)) {
        return false;
    }
    for (size_t i = 0; i < plan->parent_count; i++) {
        if (!lw_merge_parent_open(&plan->parents[i], plan->parents[i].folder, error)) {
            return false;
        }
    }
    return true;
}

// Layers can be counted and cut where there is one stack of them.
static bool check_range(
    const struct lw_plan_draft *draft, const struct lw_plan_source *source, struct lw_error *error)
{
    const struct lw_merge_parent *parent = &draft->plan->parents[source->parent];
    const char *name = draft->params->recipe->name;
    if (parent->stack_count != 1 || !parent->layers_key) {
        return lw_fail(error, LW_USAGE,
            "%s:%d: %s has %s, so slices cannot be cut of it; `models` merges it whole", name,
            source->said->line, parent->folder,
            parent->stack_count > 1    ? "layers of several kinds"
            : parent->stack_count == 0 ? "no layers that its tensors' names count"
                                       : "no number of layers at the top of its config.json");
    }
    if (parent->stacks[0].uncounted) {
        lw_log(draft->params->log, LW_LOG_WARNING,
            "%s: %u layers behind those that config.json counts are left out", parent->folder,
            (unsigned)parent->stacks[0].uncounted);
    }
    return source->said->end <= parent->stacks[0].layers ||
           lw_fail(error, LW_USAGE,
               "%s:%d: layer_range ends at %u, and %s has %u layers, from 0 to %u", name,
               source->said->line, (unsigned)source->said->end, parent->folder,
               (unsigned)parent->stacks[0].layers, (unsigned)parent->stacks[0].layers - 1);
}

static bool check_ranges(const struct lw_plan_draft *draft, struct lw_error *error)
{
    for (size_t i = 0; !draft->params->recipe->whole && i < draft->params->recipe->slice_count;
         i++) {
        for (size_t k = 0; k < draft->slices[i].count; k++) {
            if (!check_range(draft, &draft->slices[i].sources[k], error)) {
                return false;
            }
        }
    }
    return true;
}

static bool compare_parents(
    struct lw_plan_draft *draft, bool *same_architecture, struct lw_error *error)
{
    const struct lw_merge_parent *parents = draft->plan->parents;
    *same_architecture = true;
    for (size_t i = 1; i < draft->plan->parent_count; i++) {
        *same_architecture =
            *same_architecture && !strcmp(parents[0].architecture, parents[i].architecture);
        if (!lw_merge_parent_compare(&parents[0], &parents[i], draft->params->recipe->whole,
                draft->problems, &draft->problem_count, error)) {
            return false;
        }
    }
    return true;
}

// config.json counts the rows of the vocabulary.
static bool set_vocabulary_size(struct lw_merge_plan *plan, struct lw_error *error)
{
    static const char key[] = "vocab_size";
    double size = (double)lw_merge_vocabulary_size(plan->vocabulary);
    const cJSON *now = cJSON_GetObjectItemCaseSensitive(plan->parents[0].config, key);
    if (cJSON_IsNumber(now) && now->valuedouble == size) {
        return true;
    }
    cJSON *config = lw_merge_plan_config(plan, error);
    if (!config) {
        return false;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, key);
    return cJSON_AddNumberToObject(config, key, size) || lw_fail_memory(error, "config.json", 0);
}

static bool place_rows(
    struct lw_merge_plan *plan, struct lw_merge_tensor *tensor, struct lw_error *error)
{
    for (size_t i = 0; i < tensor->input_count; i++) {
        if (tensor->inputs[i].update) {
            return lw_fail(error, LW_USAGE,
                "the adapter %s changes tensor %s, whose rows tokenizer_source moves; fold it in "
                "first (lewin merge --adapter), then merge",
                plan->parents[tensor->inputs[i].parent].adapter, tensor->info.name);
        }
    }
    return lw_merge_vocabulary_rows(plan->vocabulary, tensor, error) &&
           (lw_tensor_set_bytes(&tensor->info) ||
               lw_fail(error, LW_BAD_INPUT, "tensor %s has an absurd size", tensor->info.name));
}

// Where the recipe names a tokenizer, the rows of tensors with `vocabulary` are put in its order here:
// their inputs get maps and the result its number of rows.
static bool plan_vocabulary(struct lw_plan_draft *draft, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    if (!recipe->tokenizer.source) {
        return true;
    }
    const struct lw_merge_vocabulary_params params = {.parents = plan->parents,
        .count = plan->parent_count,
        .has_base = recipe->base.folder != NULL,
        .source = recipe->tokenizer.source,
        .model = recipe->tokenizer.model.folder,
        .tokens = recipe->tokenizer.tokens,
        .pad_to_multiple_of = recipe->tokenizer.pad_to_multiple_of,
        .recipe = recipe->name,
        .log = draft->params->log};
    bool done = lw_merge_vocabulary_create(&plan->vocabulary, &params, error);
    for (size_t i = 0; done && i < plan->tensor_count; i++) {
        done = !plan->tensors[i].vocabulary || place_rows(plan, &plan->tensors[i], error);
    }
    return done && set_vocabulary_size(plan, error);
}

static void sum_up(struct lw_merge_plan *plan)
{
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const struct lw_merge_tensor *tensor = &plan->tensors[i];
        plan->bytes_written += tensor->info.bytes;
        plan->most_inputs =
            tensor->input_count > plan->most_inputs ? tensor->input_count : plan->most_inputs;
        for (size_t k = 0; k < tensor->input_count; k++) {
            plan->bytes_read += tensor->inputs[k].info->bytes;
        }
    }
}

static bool make_plan(struct lw_plan_draft *draft, struct lw_error *error)
{
    bool same_architecture;
    if (!gather_models(draft, error) || !open_parents(draft, error) ||
        !compare_parents(draft, &same_architecture, error) ||
        // Of another architecture every tensor may differ: their names would only hide the reason.
        (same_architecture && (!check_ranges(draft, error) || !lw_plan_tensors(draft, error)))) {
        return false;
    }
    if (draft->problem_count) {
        return lw_fail(error, LW_BAD_INPUT,
            "the models do not fit together (%zu differences); nothing was written",
            draft->problem_count);
    }
    if (!plan_vocabulary(draft, error) || !lw_plan_config(draft, error) ||
        !lw_merge_chat_template(draft->plan, error)) {
        return false;
    }
    sum_up(draft->plan);
    return true;
}

bool lw_merge_plan_create(struct lw_merge_plan **out, const struct lw_merge_params *params,
    struct lw_string *problems, struct lw_error *error)
{
    *out = NULL;
    const struct lw_merge_recipe *recipe = params->recipe;
    const enum lw_type *type = recipe->output ? recipe->output : recipe->compute;
    struct lw_merge_plan *plan = lw_calloc(1, sizeof *plan, error);
    struct lw_plan_draft draft = {.plan = plan, .params = params, .problems = problems};
    if (!plan) {
        return false;
    }
    plan->recipe = recipe;
    plan->method = recipe->method;
    plan->converted = type != NULL;
    plan->type = type ? *type : LW_F32;
    plan->seed = params->seed ? *params->seed : recipe->seed;
    bool made = make_plan(&draft, error);
    for (size_t i = 0; draft.slices && i < recipe->slice_count; i++) {
        lw_free(draft.slices[i].sources);
    }
    lw_free(draft.slices);
    if (!made) {
        lw_merge_plan_destroy(plan);
        return false;
    }
    *out = plan;
    return true;
}

enum lw_type lw_merge_type_of(const struct lw_tensor_info *info)
{
    enum lw_type type = LW_F32;
    lw_merge_type(info->dtype, &type);
    return type;
}

const struct lw_tensor_info *lw_merge_input_file(const struct lw_merge_input *input)
{
    bool replaced = input->update && input->update->replacement;
    return replaced ? input->update->replacement : input->info;
}

bool lw_merge_has_product(const struct lw_merge_input *input)
{
    return input->update && input->update->rank;
}

void lw_merge_plan_destroy(struct lw_merge_plan *plan)
{
    if (!plan) {
        return;
    }
    lw_merge_vocabulary_destroy(plan->vocabulary);
    for (size_t i = 0; i < plan->parent_count; i++) {
        lw_merge_parent_close(&plan->parents[i]);
    }
    for (size_t i = 0; i < plan->tensor_count; i++) {
        lw_free(plan->tensors[i].inputs);
    }
    for (size_t i = 0; i < plan->name_count; i++) {
        lw_free(plan->names[i]);
    }
    cJSON_Delete(plan->config);
    lw_free(plan->chat_template);
    lw_free(plan->names);
    lw_free(plan->parents);
    lw_free(plan->tensors);
    lw_free(plan);
}
