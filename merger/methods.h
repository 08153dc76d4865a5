// SPDX-License-Identifier: Apache-2.0
// The ways of merging, as rows: what each takes, and the family of functions that computes it. Called
// by plan.c and passes.c.
#ifndef LW_MERGER_METHODS_H
#define LW_MERGER_METHODS_H

#include <stddef.h>

#include "engine/base/error.h"
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
    LW_MERGE_BASE_MEMBER, // a model like the others, merged even where it is not listed, unless the
                          // method takes no more or it lacks a value that models must have
    LW_MERGE_BASE_OPTIONAL, // when given, the origin from which differences are taken
    LW_MERGE_BASE_REQUIRED, // that origin, or the first end of slerp; without it is refused
};

// How task arithmetic drops elements of a difference.
enum lw_merge_drop {
    LW_DROP_NONE,
    LW_DROP_SMALL,    // all but the largest
    LW_DROP_OUTLIERS, // the largest too
    LW_DROP_RANDOM,   // each with the same probability
    LW_DROP_BY_RANK   // each with a probability by its rank in its row
};

struct lw_merge_family;    // passes.h
struct lw_merge_spherical; // coefficients.h

struct lw_merge_method {
    const char *name;  // as mergekit calls it
    const char *title; // as people write it
    const char
        *reference; // the address of the paper or page that describes it; NULL: there is none
    enum lw_merge_base base;
    size_t least, most; // models, of BASE_REQUIRED and BASE_OPTIONAL besides the base
    bool random;        // draws random numbers: the result depends on the seed
    struct lw_merge_parameter_row parameters[LW_MERGE_METHOD_PARAMETERS];
    const struct lw_merge_family *family;
    // Of task arithmetic: what it drops, and whether only those count that agree in sign.
    enum lw_merge_drop drop;
    bool consensus;
    // Of the methods that go by angles: their weights, from inner products (coefficients.h).
    bool (*solve)(struct lw_merge_spherical *spherical, struct lw_error *error);
    bool base_first; // the base is the first of those models rather than an origin
};

// Row `index`, NULL past the end. Row 0 is the weighted average.
const struct lw_merge_method *lw_merge_method_at(size_t index);
// NULL: there is none of this name.
const struct lw_merge_method *lw_merge_method_find(const char *name);
bool lw_merge_method_takes(const struct lw_merge_method *method, enum lw_merge_parameter parameter);

#endif
