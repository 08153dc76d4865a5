// SPDX-License-Identifier: Apache-2.0
// See plan.h.
#include "merger/plan.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"

static const enum lw_dtype dtypes[LW_TYPE_COUNT] = {
    [LW_F32] = LW_DTYPE_F32, [LW_BF16] = LW_DTYPE_BF16, [LW_F16] = LW_DTYPE_F16};

bool lw_merge_type(enum lw_dtype dtype, enum lw_type *type)
{
    for (int i = 0; i < LW_TYPE_COUNT; i++) {
        if (dtypes[i] == dtype) {
            *type = (enum lw_type)i;
            return true;
        }
    }
    return false;
}

// The plan while it is being made.
struct draft {
    struct lw_merge_plan *plan;
    const struct lw_merge_params *params;
    struct lw_string *problems;
    size_t problem_count;
};

// Sets weight `i`, of those that are divided by their sum.
static bool set_weight(
    const struct lw_merge_params *params, size_t i, double *value, struct lw_error *error)
{
    double sum = 0;
    for (size_t k = 0; k < params->count; k++) {
        sum += params->weights ? params->weights[k] : 1;
    }
    *value = (params->weights ? params->weights[i] : 1) / sum;
    return (isfinite(sum) && isfinite((float)*value)) ||
           lw_fail(error, LW_USAGE,
               "the weights are divided by their sum, which must be a number other than 0");
}

static bool open_parents(struct draft *draft, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    plan->parents = lw_calloc(draft->params->count, sizeof *plan->parents, error);
    if (!plan->parents) {
        return false;
    }
    for (size_t i = 0; i < draft->params->count; i++) {
        plan->parent_count++;
        if (!lw_merge_parent_open(&plan->parents[i], draft->params->folders[i], error)) {
            return false;
        }
    }
    return true;
}

static bool is_name(const char *name, const char *known)
{
    return known && !strcmp(name, known);
}

// What older versions of transformers wrote beside the parameters (Llama 2 as released), and what
// every version since computes from config.json.
static bool is_buffer(const char *name)
{
    static const char end[] = ".rotary_emb.inv_freq";
    size_t length = strlen(name);
    return length >= sizeof end && !strcmp(name + length - (sizeof end - 1), end);
}

static void add_shape(struct lw_string *text, const struct lw_tensor_info *info)
{
    lw_string_addf(text, NULL, "[");
    for (int i = 0; i < info->rank; i++) {
        lw_string_addf(text, NULL, "%s%llu", i ? ", " : "", (unsigned long long)info->shape[i]);
    }
    lw_string_addf(text, NULL, "]");
}

static bool same_shape(const struct lw_tensor_info *left, const struct lw_tensor_info *right)
{
    return left->rank == right->rank &&
           !memcmp(left->shape, right->shape, (size_t)left->rank * sizeof *left->shape);
}

// What stands for the base's tensor `info` in `parent`; NULL, with a line of `problems`, where
// nothing fits.
static const struct lw_tensor_info *find_source(
    struct draft *draft, const struct lw_merge_parent *parent, const struct lw_tensor_info *info)
{
    const struct lw_merge_parent *base = &draft->plan->parents[0];
    struct lw_string *problems = draft->problems;
    bool tied = parent->tied && is_name(info->name, base->head);
    const struct lw_tensor_info *source =
        lw_checkpoint_find(parent->checkpoint, tied ? base->embedding : info->name);
    enum lw_type type;
    if (!source) {
        lw_string_addf(problems, NULL, "%s: tensor %s is missing\n", parent->folder, info->name);
    } else if (!same_shape(source, info)) {
        lw_string_addf(problems, NULL, "%s: tensor %s has shape ", parent->folder, source->name);
        add_shape(problems, source);
        lw_string_addf(problems, NULL, ", in %s it has ", base->folder);
        add_shape(problems, info);
        lw_string_addf(problems, NULL, "\n");
    } else if (!lw_merge_type(source->dtype, &type)) {
        lw_string_addf(problems, NULL,
            "%s: tensor %s has type %s; F32, BF16 and F16 can be merged\n", parent->folder,
            source->name, lw_dtype_name(source->dtype));
    } else {
        return source;
    }
    draft->problem_count++;
    return NULL;
}

static bool add_inputs(struct draft *draft, struct lw_merge_tensor *tensor,
    const struct lw_tensor_info *info, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    tensor->inputs = lw_calloc(plan->parent_count, sizeof *tensor->inputs, error);
    if (!tensor->inputs) {
        return false;
    }
    tensor->input_count = plan->parent_count;
    for (size_t i = 0; i < plan->parent_count; i++) {
        struct lw_merge_input *input = &tensor->inputs[i];
        input->parent = i;
        input->info = find_source(draft, &plan->parents[i], info);
        plan->bytes_read += input->info ? input->info->bytes : 0;
        if (!set_weight(draft->params, i, &input->values.value[LW_MERGE_WEIGHT], error)) {
            return false;
        }
    }
    return true;
}

static bool add_tensor(
    struct draft *draft, const struct lw_tensor_info *info, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    if (!lw_reserve(&plan->tensors, &plan->tensor_capacity, plan->tensor_count + 1,
            sizeof *plan->tensors, error)) {
        return false;
    }
    struct lw_merge_tensor *tensor = &plan->tensors[plan->tensor_count++];
    *tensor = (struct lw_merge_tensor){.info = *info};
    if (plan->converted) {
        tensor->info.dtype = dtypes[plan->type];
    }
    plan->bytes_written += lw_tensor_elements(&tensor->info) * lw_dtype_size(tensor->info.dtype);
    return add_inputs(draft, tensor, info, error);
}

// The head of a tied model says nothing that its embedding does not, unless the file's own config
// says that it is a matrix of its own.
static void note_dropped_head(struct draft *draft, const struct lw_merge_parent *parent)
{
    if (!parent->tied) {
        lw_log(draft->params->log, LW_LOG_WARNING,
            "%s of %s is left out: the config.json of %s ties the head to the embedding",
            parent->head, parent->folder, draft->plan->parents[0].folder);
    }
}

// The tensors of a model that the base does not have.
static void find_extra(struct draft *draft, const struct lw_merge_parent *parent)
{
    const struct lw_merge_parent *base = &draft->plan->parents[0];
    for (size_t i = 0; i < lw_checkpoint_count(parent->checkpoint); i++) {
        const char *name = lw_checkpoint_at(parent->checkpoint, i)->name;
        if (is_buffer(name)) {
            continue;
        }
        if (base->tied && is_name(name, base->head)) {
            note_dropped_head(draft, parent);
        } else if (!lw_checkpoint_find(base->checkpoint, name)) {
            lw_string_addf(draft->problems, NULL, "%s: tensor %s is not in %s\n", parent->folder,
                name, base->folder);
            draft->problem_count++;
        }
    }
}

static bool plan_tensors(struct draft *draft, struct lw_error *error)
{
    const struct lw_merge_parent *base = &draft->plan->parents[0];
    for (size_t i = 0; i < lw_checkpoint_count(base->checkpoint); i++) {
        const struct lw_tensor_info *info = lw_checkpoint_at(base->checkpoint, i);
        bool dropped = is_buffer(info->name) || (base->tied && is_name(info->name, base->head));
        if (!dropped && !add_tensor(draft, info, error)) {
            return false;
        }
    }
    if (base->head && !base->tied && !lw_checkpoint_find(base->checkpoint, base->head)) {
        lw_string_addf(draft->problems, NULL,
            "%s: tensor %s is missing, and its config.json does not tie it to the embedding\n",
            base->folder, base->head);
        draft->problem_count++;
    }
    for (size_t i = 1; i < draft->plan->parent_count; i++) {
        find_extra(draft, &draft->plan->parents[i]);
    }
    return true;
}

static bool compare_parents(struct draft *draft, struct lw_error *error)
{
    const struct lw_merge_parent *parents = draft->plan->parents;
    bool same_architecture = true;
    for (size_t i = 1; i < draft->plan->parent_count; i++) {
        same_architecture =
            same_architecture && !strcmp(parents[0].architecture, parents[i].architecture);
        if (!lw_merge_parent_compare(
                &parents[0], &parents[i], draft->problems, &draft->problem_count, error)) {
            return false;
        }
    }
    // Of another architecture every tensor may differ: their names would only hide the reason.
    return !same_architecture || plan_tensors(draft, error);
}

bool lw_merge_plan_create(struct lw_merge_plan **out, const struct lw_merge_params *params,
    struct lw_string *problems, struct lw_error *error)
{
    *out = NULL;
    if (params->count < 2) {
        return lw_fail(error, LW_USAGE, "a merge takes at least two models");
    }
    struct lw_merge_plan *plan = lw_calloc(1, sizeof *plan, error);
    struct draft draft = {.plan = plan, .params = params, .problems = problems};
    if (!plan) {
        return false;
    }
    plan->converted = params->type != NULL;
    plan->type = params->type ? *params->type : LW_F32;
    plan->method = lw_merge_method_at(0);
    plan->most_inputs = params->count;
    if (!open_parents(&draft, error) || !compare_parents(&draft, error)) {
        goto error;
    }
    if (draft.problem_count) {
        lw_fail(error, LW_BAD_INPUT,
            "the models do not fit together (%zu differences); nothing was written",
            draft.problem_count);
        goto error;
    }
    *out = plan;
    return true;
error:
    lw_merge_plan_destroy(plan);
    return false;
}

void lw_merge_plan_destroy(struct lw_merge_plan *plan)
{
    if (!plan) {
        return;
    }
    for (size_t i = 0; i < plan->parent_count; i++) {
        lw_merge_parent_close(&plan->parents[i]);
    }
    for (size_t i = 0; i < plan->tensor_count; i++) {
        lw_free(plan->tensors[i].inputs);
    }
    lw_free(plan->parents);
    lw_free(plan->tensors);
    lw_free(plan);
}
