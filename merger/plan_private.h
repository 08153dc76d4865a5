// SPDX-License-Identifier: Apache-2.0
// The plan while it is being made: what plan.c, plan_tensors.c, plan_values.c and plan_config.c share.
#ifndef LW_MERGER_PLAN_PRIVATE_H
#define LW_MERGER_PLAN_PRIVATE_H

#include "merger/plan.h"

// A model of a slice.
struct lw_plan_source {
    const struct lw_merge_source *said; // by the recipe; NULL: the base, which it does not list
    size_t parent;
    bool base; // is the slice's base_model
};

struct lw_plan_slice {
    const struct lw_merge_slice *said;
    struct lw_plan_source *sources; // [count]
    size_t count;
    size_t reference; // the source after whose tensors those of the result are shaped
};

struct lw_plan_draft {
    struct lw_merge_plan *plan;
    const struct lw_merge_params *params;
    struct lw_plan_slice *slices; // [recipe->slice_count]
    struct lw_string *problems;
    size_t problem_count;
};

// The model after which a slice's part of the result is shaped.
static inline const struct lw_merge_parent *lw_plan_reference(
    const struct lw_plan_draft *draft, const struct lw_plan_slice *slice)
{
    return &draft->plan->parents[slice->sources[slice->reference].parent];
}

// Adds all tensors to the plan; what does not fit becomes lines of the problems.
bool lw_plan_tensors(struct lw_plan_draft *draft, struct lw_error *error);

// Where a value is asked for: the name that filters look at, and the way through the layers, 0 to 1.
struct lw_plan_place {
    const struct lw_plan_slice *slice;
    const char *name;
    double t;
};

// Sets the values of the method's parameters for a tensor.
bool lw_plan_tensor_values(const struct lw_plan_draft *draft, const struct lw_plan_place *place,
    struct lw_merge_values *values, struct lw_error *error);

// The same for one of the slice's models. *present is false for a base that is a model like the
// others, is not listed and has no value of a parameter that models must have: it is left out.
bool lw_plan_input_values(const struct lw_plan_draft *draft, const struct lw_plan_place *place,
    const struct lw_plan_source *source, struct lw_merge_values *values, bool *present,
    struct lw_error *error);

// Refuses weights that are to be divided by their sum, where that is no number to divide by.
bool lw_plan_check_weights(const struct lw_plan_draft *draft, const struct lw_merge_tensor *tensor,
    struct lw_error *error);

// Puts the type and the number of layers in the result's config.json, where they are not the first
// parent's.
bool lw_plan_config(struct lw_plan_draft *draft, struct lw_error *error);

#endif
