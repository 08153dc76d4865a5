// SPDX-License-Identifier: Apache-2.0
// The ways of merging, as rows: what each records for a part of a tensor. Called by run.c.
#ifndef LW_MERGER_METHODS_H
#define LW_MERGER_METHODS_H

#include "engine/ops/tensor.h"

// `elements` neighbours of one tensor, of each model and of the result.
struct lw_merge_operands {
    const struct lw_buffer *inputs; // [count]
    const enum lw_type *types;      // [count], of the inputs
    const float *weights;           // [count]
    size_t count;
    struct lw_buffer sum; // fp32, room for `elements`; free to use
    struct lw_buffer output;
    enum lw_type output_type;
    uint64_t elements;
};

struct lw_merge_method {
    const char *name; // as mergekit calls it
    void (*record)(struct lw_stream *stream, const struct lw_merge_operands *operands);
};

// Row `index`, NULL past the end. Row 0 is the weighted average.
const struct lw_merge_method *lw_merge_method_at(size_t index);

#endif
