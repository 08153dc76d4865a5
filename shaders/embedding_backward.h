// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_EMBEDDING_BACKWARD_H
#define LW_SHADERS_EMBEDDING_BACKWARD_H

#include "shaders/include/args.h"

// For each group g < *group_count of tokens t = order[group_start[g] .. group_start[g + 1]), which
// share one id: table_gradient[id] += sum of y_gradient[t], in that order; table_gradient fp32.
struct lw_embedding_backward_args {
    uint64_t table_gradient, y_gradient, ids, order, group_start, group_count;
    uint32_t rows, columns, table_stride, y_stride;
};
LW_ARGS_SIZE(lw_embedding_backward_args, 64)

#endif
