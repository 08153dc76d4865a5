// SPDX-License-Identifier: Apache-2.0
// The weights of the methods that go by angles. All that these methods do with models are weighted
// sums, norms and inner products, so the models' inner products are enough to find the weights of the
// final sum, iterations included: an iterate is a weighted sum too and is known by its weights.
// Called for whole tensors and for single lines.
#ifndef LW_MERGER_COEFFICIENTS_H
#define LW_MERGER_COEFFICIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct lw_merge_spherical {
    size_t count;           // models, or their differences from the base
    const double *products; // [count][count], symmetric
    const double *weights;  // [count]; of nuslerp and multislerp
    double t;               // of slerp
    bool normalize;         // of multislerp
    double eps;             // of multislerp
    double tol;             // of karcher
    unsigned max_iter;      // of karcher
    double *coefficients;   // [count]: the result
    double *scratch;        // [2 * count]
};

// Each sets the coefficients. LW_USAGE: there is no such sum; the message says why, and the caller
// adds the tensor's name.
bool lw_solve_slerp(struct lw_merge_spherical *spherical, struct lw_error *error);
bool lw_solve_nuslerp(struct lw_merge_spherical *spherical, struct lw_error *error);
bool lw_solve_multislerp(struct lw_merge_spherical *spherical, struct lw_error *error);
bool lw_solve_karcher(struct lw_merge_spherical *spherical, struct lw_error *error);
bool lw_solve_model_stock(struct lw_merge_spherical *spherical, struct lw_error *error);

#endif
