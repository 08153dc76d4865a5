// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_CROSS_ENTROPY_H
#define LW_SHADERS_CROSS_ENTROPY_H

#include "shaders/include/args.h"

// For row r of a chunk, which is trained row first_row + r: loss = log sum exp(logits) -
// logits[target], gradient = (softmax - one_hot(target)) * *loss_scale; zero for rows that are not
// below *row_count. gradient 0: none. logits fp32.
struct lw_cross_entropy_args {
    uint64_t logits, gradient, targets, row_count, losses, loss_scale;
    uint32_t rows, columns, logits_stride, gradient_stride, first_row;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_cross_entropy_args, 72)

#endif
