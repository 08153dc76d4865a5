// SPDX-License-Identifier: Apache-2.0
// The parameters that merge methods take, by mergekit's names. Which of them a method takes, with
// which defaults, stands in its row (methods.h); their values for one tensor, in the plan (plan.h).
#ifndef LW_MERGER_PARAMETERS_H
#define LW_MERGER_PARAMETERS_H

enum lw_merge_parameter {
    // Of each model.
    LW_MERGE_WEIGHT,
    LW_MERGE_DENSITY, // share of the elements of a difference that stay
    LW_MERGE_GAMMA,   // share of the largest ones that go
    LW_MERGE_EPSILON, // how far probabilities spread around the density
    LW_MERGE_SCALE,
    // Of the tensor.
    LW_MERGE_T,
    LW_MERGE_LAMBDA,
    LW_MERGE_NORMALIZE,
    LW_MERGE_RESCALE,
    LW_MERGE_INT8_MASK, // of no effect: how mergekit stores its masks
    LW_MERGE_ROW_WISE,
    LW_MERGE_FLATTEN,
    LW_MERGE_NORMALIZE_WEIGHTS,
    LW_MERGE_EPS,
    LW_MERGE_MAX_ITER,
    LW_MERGE_TOL,
    LW_MERGE_FILTER_WISE,
    LW_MERGE_SELECT_TOPK,
    LW_MERGE_PARAMETER_COUNT
};

// Booleans are 0 and 1. What the method does not take, or has no value, is a NaN.
struct lw_merge_values {
    double value[LW_MERGE_PARAMETER_COUNT];
};

#endif
