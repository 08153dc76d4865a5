// SPDX-License-Identifier: Apache-2.0
// What a merge will do, and whether it can: which tensors come out, of what type, which tensor of
// each model goes into each, and with which values of the parameters. Everything is checked here,
// before anything is written. Called by the command line; compute.c carries the plan out.
#ifndef LW_MERGER_PLAN_H
#define LW_MERGER_PLAN_H

#include "engine/base/log.h"
#include "engine/base/types.h"
#include "merger/methods.h"
#include "merger/parent.h"
#include "merger/recipe.h"

struct lw_merge_vocabulary;

struct lw_merge_params {
    const struct lw_merge_recipe *recipe; // must outlive the plan
    const uint64_t *seed;                 // NULL: the recipe's, or 0
    const struct lw_log *log;             // may be NULL
};

// Where the rows of a [rows, columns] input come from, where they are not the input's own in order.
struct lw_merge_row_map {
    // [rows of the result]: a row of the input's tensor; -1: zeros; -2 - i: row i of `made`.
    int64_t *rows;
    void *made; // [made rows, columns], of the input's type; NULL: none
};

// A tensor of a model that goes into one that comes out.
struct lw_merge_input {
    size_t parent;                          // of the plan's
    const struct lw_tensor_info *info;      // of that parent's checkpoint
    struct lw_merge_values values;          // the parameters of each model, as the recipe says them
    const struct lw_merge_row_map *map;     // NULL: the tensor as it lies
    const struct lw_adapter_update *update; // by the parent's adapter; NULL: none
};

struct lw_merge_tensor {
    struct lw_tensor_info info;    // what comes out; the name belongs to the plan or a parent
    struct lw_merge_input *inputs; // [input_count], in the recipe's order; a base that it does not
                                   // list comes last
    size_t input_count;
    // The one of `inputs` that is the base's; NULL: none is, or the base is a model like the others.
    const struct lw_merge_input *base;
    struct lw_merge_values values; // the parameters of the tensor
    bool vocabulary;               // its rows are those of the vocabulary
};

struct lw_merge_plan {
    const struct lw_merge_recipe *recipe;
    const struct lw_merge_method *method;
    struct lw_merge_parent *parents; // the one that gives config and tokenizer first
    size_t parent_count;
    struct lw_merge_tensor *tensors; // [tensor_count], in the order of writing
    size_t tensor_count, tensor_capacity;
    size_t most_inputs; // that a tensor has
    uint64_t bytes_read, bytes_written;
    bool converted; // a type was asked for
    enum lw_type type;
    uint64_t seed; // of random methods
    cJSON *config; // the result's config.json; NULL: that of the first parent as it is
    struct lw_merge_vocabulary *vocabulary; // of all models together; NULL: each row as it lies
    char *chat_template; // the result's, a Jinja text; NULL: that of the first parent
    char **names;        // of tensors that are called otherwise than in a parent
    size_t name_count, name_capacity;
};

// LW_USAGE: a recipe that its method cannot take: too few or many models, a base_model or a parameter
// missing, weights that have no sum to divide by. LW_BAD_INPUT: a model that cannot be read, or models
// that do not fit together; `problems` (zero-initialised, the caller's) then holds one line for each
// tensor that is missing, extra, of another shape or of a type that cannot be merged, and each setting
// of config.json that differs.
//
// Where the first parent's config.json ties the head to the embedding, heads of any model are left
// out; where it does not, the embedding of a model that is tied stands for its head.
bool lw_merge_plan_create(struct lw_merge_plan **plan, const struct lw_merge_params *params,
    struct lw_string *problems, struct lw_error *error);
void lw_merge_plan_destroy(struct lw_merge_plan *plan);

// The element type of computations that a tensor of a file has; false when it has none.
bool lw_merge_type(enum lw_dtype dtype, enum lw_type *type);

// The same of a tensor that was looked at before: the plan and its adapters have only such.
enum lw_type lw_merge_type_of(const struct lw_tensor_info *info);

// The tensor of a file that is read for an input: the model's, or the adapter's in its place.
const struct lw_tensor_info *lw_merge_input_file(const struct lw_merge_input *input);

// Whether an adapter's product is added to that.
bool lw_merge_has_product(const struct lw_merge_input *input);

// The result's config.json, for changes: a copy of the first parent's where nothing was changed yet.
// NULL: out of memory.
cJSON *lw_merge_plan_config(struct lw_merge_plan *plan, struct lw_error *error);

#endif
