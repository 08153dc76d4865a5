// SPDX-License-Identifier: Apache-2.0
// Weighted sums of any number of arrays, with weights from the host's calculation. Called by the
// families of methods.
#ifndef LW_MERGER_WEIGHTED_H
#define LW_MERGER_WEIGHTED_H

#include "engine/ops/array.h"

// y[i] = sum of weights[k] * x[k][i] in fp32, in the order of k, rounded once. `plane` is fp32 scratch
// of `elements`, used where one kernel does not take all terms.
struct lw_merge_weighted {
    const struct lw_array *x; // [count]
    const double *weights;    // [count]
    size_t count;
    struct lw_array y;
    struct lw_buffer plane;
    uint64_t elements;
};
void lw_merge_weighted_sum(struct lw_stream *stream, const struct lw_merge_weighted *sum);

#endif
