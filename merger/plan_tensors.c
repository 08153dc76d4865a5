// SPDX-License-Identifier: Apache-2.0
// Which tensors come out, and which tensor of each model goes into each: by their names, with the
// number of the layer changed where layers move. See plan_private.h.
#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "merger/plan_private.h"

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

static bool is_vocabulary(const struct lw_merge_parent *parent, const char *name)
{
    return is_name(name, parent->embedding) || is_name(name, parent->head) ||
           lw_merge_is_vocabulary(name);
}

static void add_shape(struct lw_string *text, const struct lw_tensor_info *info)
{
    lw_string_addf(text, NULL, "[");
    for (int i = 0; i < info->rank; i++) {
        lw_string_addf(text, NULL, "%s%llu", i ? ", " : "", (unsigned long long)info->shape[i]);
    }
    lw_string_addf(text, NULL, "]");
}

// A tensor on its way into the plan.
struct task {
    const struct lw_plan_slice *slice;
    const struct lw_tensor_info *info; // of the slice's reference
    struct lw_merge_layer layer;
    bool moves;      // it is of a layer, whose number is each source's own
    uint32_t offset; // of the layer in the slice
    double t;
    const char *name; // of the result
};

// The tensors differ in their rows only, which are those of the vocabulary.
static bool differ_in_vocabulary(const struct lw_tensor_info *left,
    const struct lw_tensor_info *right, const struct lw_merge_parent *parent)
{
    return left->rank == right->rank && left->rank >= 1 && is_vocabulary(parent, right->name) &&
           !memcmp(
               left->shape + 1, right->shape + 1, (size_t)(left->rank - 1) * sizeof *left->shape);
}

static void add_shape_problem(struct lw_plan_draft *draft, const struct lw_merge_parent *parent,
    const struct lw_tensor_info *source, const struct task *task)
{
    const struct lw_merge_parent *reference = lw_plan_reference(draft, task->slice);
    struct lw_string *problems = draft->problems;
    lw_string_addf(problems, NULL, "%s: tensor %s has shape ", parent->folder, source->name);
    add_shape(problems, source);
    lw_string_addf(problems, NULL, ", in %s it has ", reference->folder);
    add_shape(problems, task->info);
    if (differ_in_vocabulary(source, task->info, reference)) {
        lw_string_addf(problems, NULL,
            "; the vocabularies differ, and rows are never cut: `tokenizer_source: base` (or "
            "union) "
            "in a recipe puts the rows of all models in one order");
    }
    lw_string_addf(problems, NULL, "\n");
}

// Sets `name` to what the task's tensor is called in a source.
static bool name_in(const struct task *task, const struct lw_plan_source *source,
    struct lw_string *name, struct lw_error *error)
{
    lw_string_clear(name);
    return task->moves ? lw_merge_layer_rename(name, task->info->name, &task->layer,
                             source->said->first + task->offset, error)
                       : lw_string_addf(name, error, "%s", task->info->name);
}

// The source's tensor of that name; NULL, with a line of `problems`, where nothing fits.
static const struct lw_tensor_info *find_source(struct lw_plan_draft *draft,
    const struct task *task, const struct lw_plan_source *source, const char *name)
{
    const struct lw_merge_parent *parent = &draft->plan->parents[source->parent];
    bool tied = parent->tied && is_name(name, parent->head);
    const struct lw_tensor_info *info =
        lw_checkpoint_find(parent->checkpoint, tied ? parent->embedding : name);
    enum lw_type type;
    if (!info) {
        lw_string_addf(draft->problems, NULL, "%s: tensor %s is missing\n", parent->folder, name);
    } else if (!lw_tensor_same_shape(info, task->info) &&
               !(draft->params->recipe->tokenizer.source &&
                   differ_in_vocabulary(info, task->info, lw_plan_reference(draft, task->slice)))) {
        add_shape_problem(draft, parent, info, task);
    } else if (!lw_merge_type(info->dtype, &type)) {
        lw_string_addf(draft->problems, NULL,
            "%s: tensor %s has type %s; F32, BF16 and F16 can be merged\n", parent->folder,
            info->name, lw_dtype_name(info->dtype));
    } else {
        return info;
    }
    draft->problem_count++;
    return NULL;
}

static bool add_inputs(struct lw_plan_draft *draft, const struct task *task,
    struct lw_merge_tensor *tensor, struct lw_error *error)
{
    const struct lw_plan_slice *slice = task->slice;
    struct lw_string name = {0};
    bool added = (tensor->inputs = lw_calloc(slice->count, sizeof *tensor->inputs, error)) != NULL;
    for (size_t i = 0; added && i < slice->count; i++) {
        const struct lw_plan_source *source = &slice->sources[i];
        struct lw_merge_input *input = &tensor->inputs[tensor->input_count];
        bool present = false;
        added = name_in(task, source, &name, error) &&
                lw_plan_input_values(draft,
                    &(struct lw_plan_place){slice, lw_string_text(&name), task->t}, source,
                    &input->values, &present, error);
        if (added && present) {
            input->parent = source->parent;
            input->info = find_source(draft, task, source, lw_string_text(&name));
            const struct lw_adapter *updates = draft->plan->parents[source->parent].updates;
            input->update =
                input->info && updates ? lw_adapter_find(updates, input->info->name) : NULL;
            tensor->input_count++;
            if (source->base && draft->plan->method->base != LW_MERGE_BASE_MEMBER) {
                tensor->base = input;
            }
        }
    }
    lw_string_free(&name);
    return added;
}

static bool add_tensor(struct lw_plan_draft *draft, const struct task *task, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    if (!lw_reserve(&plan->tensors, &plan->tensor_capacity, plan->tensor_count + 1,
            sizeof *plan->tensors, error)) {
        return false;
    }
    struct lw_merge_tensor *tensor = &plan->tensors[plan->tensor_count++];
    *tensor = (struct lw_merge_tensor){.info = *task->info};
    tensor->info.name = task->name;
    tensor->info.dtype = plan->converted ? dtypes[plan->type] : task->info->dtype;
    tensor->vocabulary = is_vocabulary(lw_plan_reference(draft, task->slice), task->name);
    lw_tensor_set_bytes(&tensor->info); // no more than twice that of a file's
    return lw_plan_tensor_values(draft, &(struct lw_plan_place){task->slice, task->name, task->t},
               &tensor->values, error) &&
           add_inputs(draft, task, tensor, error) && lw_plan_check_weights(draft, tensor, error);
}

// Layer `number` of the result: that of the task's tensor, moved.
static bool move_tensor(
    struct lw_plan_draft *draft, struct task *task, uint32_t number, struct lw_error *error)
{
    struct lw_merge_plan *plan = draft->plan;
    struct lw_string name = {0};
    if (!lw_reserve(
            &plan->names, &plan->name_capacity, plan->name_count + 1, sizeof *plan->names, error) ||
        !lw_merge_layer_rename(&name, task->info->name, &task->layer, number, error)) {
        lw_string_free(&name);
        return false;
    }
    char *copy = lw_strdup(lw_string_text(&name), error);
    lw_string_free(&name);
    if (!copy) {
        return false;
    }
    plan->names[plan->name_count++] = copy;
    task->name = copy;
    return add_tensor(draft, task, error);
}

// Rows of no parameter, and heads where the result's is its embedding.
static bool is_dropped(const struct lw_plan_draft *draft, const char *name)
{
    const struct lw_merge_parent *first = &draft->plan->parents[0];
    return is_buffer(name) || (first->tied && is_name(name, first->head));
}

static double way(uint32_t number, uint32_t count)
{
    return count < 2 || number >= count ? 1 : (double)number / (count - 1);
}

// Whole models: the reference's tensors in their order.
static bool add_whole(struct lw_plan_draft *draft, struct lw_error *error)
{
    const struct lw_plan_slice *slice = &draft->slices[0];
    const struct lw_merge_parent *reference = lw_plan_reference(draft, slice);
    for (size_t i = 0; i < lw_checkpoint_count(reference->checkpoint); i++) {
        struct task task = {.slice = slice, .info = lw_checkpoint_at(reference->checkpoint, i)};
        task.name = task.info->name;
        const struct lw_merge_stack *stack =
            lw_merge_parent_stack(reference, task.name, &task.layer);
        // Tensors without a layer take a gradient's start, before the layers and behind them.
        task.t = stack ? way(task.layer.number, stack->layers) : 0;
        if (!is_dropped(draft, task.name) && !add_tensor(draft, &task, error)) {
            return false;
        }
    }
    return true;
}

// The tensors of no layer that come before the layers (`input`), or behind.
static bool add_outside(struct lw_plan_draft *draft, bool input, struct lw_error *error)
{
    const struct lw_plan_slice *slice =
        &draft->slices[input ? 0 : draft->params->recipe->slice_count - 1];
    const struct lw_merge_parent *reference = lw_plan_reference(draft, slice);
    struct lw_merge_layer layer;
    for (size_t i = 0; i < lw_checkpoint_count(reference->checkpoint); i++) {
        const struct lw_tensor_info *info = lw_checkpoint_at(reference->checkpoint, i);
        const struct task task = {.slice = slice, .info = info, .t = 0, .name = info->name};
        if (lw_merge_parent_stack(reference, info->name, &layer) ||
            lw_merge_is_input(info->name) != input || is_dropped(draft, info->name)) {
            continue;
        }
        if (!add_tensor(draft, &task, error)) {
            return false;
        }
    }
    return true;
}

// Layer `offset` of a slice, as layer `number` of the result.
static bool add_layer(struct lw_plan_draft *draft, const struct lw_plan_slice *slice,
    uint32_t offset, uint32_t number, struct lw_error *error)
{
    const struct lw_plan_source *from = &slice->sources[slice->reference];
    const struct lw_merge_parent *reference = lw_plan_reference(draft, slice);
    for (size_t i = 0; i < lw_checkpoint_count(reference->checkpoint); i++) {
        struct task task = {.slice = slice,
            .info = lw_checkpoint_at(reference->checkpoint, i),
            .moves = true,
            .offset = offset,
            .t = way(offset, from->said->end - from->said->first)};
        if (!lw_merge_parent_stack(reference, task.info->name, &task.layer) ||
            task.layer.number != from->said->first + offset || is_buffer(task.info->name)) {
            continue;
        }
        if (!move_tensor(draft, &task, number, error)) {
            return false;
        }
    }
    return true;
}

static bool add_slices(struct lw_plan_draft *draft, struct lw_error *error)
{
    uint32_t number = 0;
    if (!add_outside(draft, true, error)) {
        return false;
    }
    for (size_t i = 0; i < draft->params->recipe->slice_count; i++) {
        const struct lw_merge_source *said = draft->slices[i].said->sources;
        for (uint32_t offset = 0; offset < said->end - said->first; offset++) {
            if (!add_layer(draft, &draft->slices[i], offset, number++, error)) {
                return false;
            }
        }
    }
    return add_outside(draft, false, error);
}

// The head of a tied model says nothing that its embedding does not, unless the file's own config
// says that it is a matrix of its own.
static void note_dropped_head(struct lw_plan_draft *draft, const struct lw_merge_parent *parent)
{
    if (!parent->tied) {
        lw_log(draft->params->log, LW_LOG_WARNING,
            "%s of %s is left out: the config.json of %s ties the head to the embedding",
            parent->head, parent->folder, draft->plan->parents[0].folder);
    }
}

// Sets `name` to what the slice's reference calls a tensor of `source`; empty where the slice does not
// take it.
static bool name_in_reference(const struct lw_plan_draft *draft, const struct lw_plan_slice *slice,
    const struct lw_plan_source *source, const char *own, struct lw_string *name,
    struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    struct lw_merge_layer layer;
    lw_string_clear(name);
    if (!recipe->whole &&
        lw_merge_parent_stack(&draft->plan->parents[source->parent], own, &layer)) {
        uint32_t first = slice->sources[slice->reference].said->first;
        return layer.number < source->said->first || layer.number >= source->said->end ||
               lw_merge_layer_rename(
                   name, own, &layer, layer.number - source->said->first + first, error);
    }
    bool taken = recipe->whole ||
                 slice == &draft->slices[lw_merge_is_input(own) ? 0 : recipe->slice_count - 1];
    return !taken || lw_string_addf(name, error, "%s", own);
}

// The tensors of a source that the slice's reference does not have.
static bool find_extra(struct lw_plan_draft *draft, const struct lw_plan_slice *slice,
    const struct lw_plan_source *source, struct lw_string *name, struct lw_error *error)
{
    const struct lw_merge_parent *parent = &draft->plan->parents[source->parent];
    const struct lw_merge_parent *first = &draft->plan->parents[0];
    const struct lw_merge_parent *reference = lw_plan_reference(draft, slice);
    for (size_t i = 0; i < lw_checkpoint_count(parent->checkpoint); i++) {
        const char *own = lw_checkpoint_at(parent->checkpoint, i)->name;
        if (!name_in_reference(draft, slice, source, own, name, error)) {
            return false;
        }
        if (is_buffer(own) || !name->length) {
            continue;
        }
        if (first->tied && is_name(own, first->head)) {
            note_dropped_head(draft, parent);
        } else if (!lw_checkpoint_find(reference->checkpoint, lw_string_text(name))) {
            lw_string_addf(draft->problems, NULL, "%s: tensor %s is not in %s\n", parent->folder,
                own, reference->folder);
            draft->problem_count++;
        }
    }
    return true;
}

static bool is_seen(const struct lw_plan_slice *slice, size_t index)
{
    const struct lw_plan_source *source = &slice->sources[index];
    for (size_t i = 0; i < index; i++) {
        const struct lw_plan_source *other = &slice->sources[i];
        if (other->parent == source->parent &&
            (!other->said || !source->said || other->said->first == source->said->first)) {
            return true;
        }
    }
    return false;
}

static bool find_extras(
    struct lw_plan_draft *draft, const struct lw_plan_slice *slice, struct lw_error *error)
{
    struct lw_string name = {0};
    bool done = true;
    for (size_t i = 0; done && i < slice->count; i++) {
        done = is_seen(slice, i) || i == slice->reference ||
               find_extra(draft, slice, &slice->sources[i], &name, error);
    }
    lw_string_free(&name);
    return done;
}

bool lw_plan_tensors(struct lw_plan_draft *draft, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = draft->params->recipe;
    if (!(recipe->whole ? add_whole(draft, error) : add_slices(draft, error))) {
        return false;
    }
    const struct lw_merge_parent *first = &draft->plan->parents[0];
    const struct lw_merge_parent *last =
        lw_plan_reference(draft, &draft->slices[recipe->slice_count - 1]);
    if (first->head && !first->tied && !lw_checkpoint_find(last->checkpoint, first->head)) {
        lw_string_addf(draft->problems, NULL,
            "%s: tensor %s is missing, and the config.json of %s does not tie it to the "
            "embedding\n",
            last->folder, first->head, first->folder);
        draft->problem_count++;
    }
    bool done = true;
    for (size_t i = 0; done && i < recipe->slice_count; i++) {
        done = find_extras(draft, &draft->slices[i], error);
    }
    return done;
}
