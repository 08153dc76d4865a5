// SPDX-License-Identifier: Apache-2.0
// What a merge will do, and whether it can: which tensors come out, of what type, and which tensor
// of each model goes into each. Everything is checked here, before anything is written. Called by
// the command line; run.c carries the plan out.
#ifndef LW_MERGER_PLAN_H
#define LW_MERGER_PLAN_H

#include "engine/base/log.h"
#include "engine/base/types.h"
#include "merger/parent.h"

struct lw_merge_params {
    const char *const *folders; // the base first; must outlive the plan
    size_t count;               // at least 2
    const double *weights;      // [count], divided by their sum; NULL: all the same
    const enum lw_type *type;   // of all tensors that come out; NULL: as in the base
    const struct lw_log *log;   // may be NULL
};

struct lw_merge_plan {
    struct lw_merge_parent *parents; // the base first
    size_t parent_count;
    float *weights; // [parent_count], of sum 1
    // The tensors that come out, in the base's order, and for each the tensors that go in.
    struct lw_tensor_info *tensors;        // [tensor_count]; names belong to the parents
    const struct lw_tensor_info **sources; // [tensor_count][parent_count]
    size_t tensor_count, tensor_capacity, source_capacity;
    uint64_t bytes_read, bytes_written;
    bool converted; // the type was asked for, so config.json must say it
    enum lw_type type;
};

// LW_USAGE: fewer than two models, weights that have no sum to divide by. LW_BAD_INPUT: a model that
// cannot be read, or models that do not fit together; `problems` (zero-initialised, the caller's)
// then holds one line for each tensor that is missing, extra, of another shape or of a type that
// cannot be merged, and each setting of config.json that differs.
//
// Where the base's config.json ties the head to the embedding, heads of any model are left out; where
// it does not, the embedding of a model that is tied stands for its head.
bool lw_merge_plan_create(struct lw_merge_plan **plan, const struct lw_merge_params *params,
    struct lw_string *problems, struct lw_error *error);
void lw_merge_plan_destroy(struct lw_merge_plan *plan);

// The element type of computations that a tensor of a file has; false when it has none.
bool lw_merge_type(enum lw_dtype dtype, enum lw_type *type);

#endif
