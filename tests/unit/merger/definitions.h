// SPDX-License-Identifier: Apache-2.0
// The merge methods as they are defined, on whole tensors in double precision, for the reader and not
// for speed.
#ifndef LW_TESTS_UNIT_MERGER_DEFINITIONS_H
#define LW_TESTS_UNIT_MERGER_DEFINITIONS_H

#include "merger/methods.h"

enum { definition_models = 8 };

struct definition {
    const struct lw_merge_method *method;
    float *x[definition_models]; // [count] models besides the base, [elements] each
    float *base;                 // NULL: none
    size_t count, elements;
    size_t columns, first_side, rank;
    const double *weights; // [count]
    double density;
    const struct lw_merge_values *values;
    const char *name;
    unsigned long long seed;
};

void define_merge(const struct definition *definition, double *result);

#endif
