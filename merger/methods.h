// SPDX-License-Identifier: Apache-2.0
// The ways of merging, as rows: what each takes, and what it records for a part of a tensor. Called
// by plan.c and run.c.
#ifndef LW_MERGER_METHODS_H
#define LW_MERGER_METHODS_H

#include "engine/ops/tensor.h"
#include "merger/parameters.h"

enum { LW_MERGE_METHOD_PARAMETERS = 8 };

struct lw_merge_parameter_row {
    const char *name; // in recipes; NULL ends the list
    enum lw_merge_parameter parameter;
    bool per_model, required;
    double fallback; // where it is not required; NaN: none
};

// What the recipe's base_model is to the method.
enum lw_merge_base {
    LW_MERGE_BASE_MEMBER,   // one of the models, if it is listed among them; else not read
    LW_MERGE_BASE_OPTIONAL, // when given, the origin from which differences are taken
    LW_MERGE_BASE_REQUIRED, // that origin, or the first end of slerp; without it is refused
};

// `elements` neighbours of one tensor, of each model and of the result.
struct lw_merge_operands {
    const struct lw_buffer *inputs;       // [count]
    const enum lw_type *types;            // [count], of the inputs
    const struct lw_merge_values *values; // [count], of the inputs
    size_t count;
    struct lw_buffer sum; // fp32, room for `elements`; free to use
    struct lw_buffer output;
    enum lw_type output_type;
    uint64_t elements;
};

struct lw_merge_method {
    const char *name;  // as mergekit calls it
    const char *title; // as people write it
    const char
        *reference; // the address of the paper or page that describes it; NULL: there is none
    enum lw_merge_base base;
    size_t least, most; // models, of BASE_REQUIRED and BASE_OPTIONAL besides the base
    bool random;        // draws random numbers: the result depends on the seed
    struct lw_merge_parameter_row parameters[LW_MERGE_METHOD_PARAMETERS];
    void (*record)(struct lw_stream *stream, const struct lw_merge_operands *operands);
};

// Row `index`, NULL past the end. Row 0 is the weighted average.
const struct lw_merge_method *lw_merge_method_at(size_t index);
// NULL: there is none of this name.
const struct lw_merge_method *lw_merge_method_find(const char *name);

#endif
