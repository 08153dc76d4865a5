// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_RMS_NORM_BACKWARD_H
#define LW_SHADERS_RMS_NORM_BACKWARD_H

#include "shaders/include/args.h"

// Rows of one slice: they are summed into one row of partial sums.
#define LW_SLICE_ROWS 16

// dx = inverse * (dy * weight - x * correction) + add with
// correction[row] = inverse^2 * mean(dy * weight * x), and per slice of rows
// partial[slice, column] = sum of dy * x * inverse. add 0: none.
struct lw_rms_norm_backward_args {
    uint64_t x, weight, inverse, y_gradient, add, x_gradient, partial, correction;
    uint32_t rows, columns, x_stride, y_gradient_stride, add_stride, x_gradient_stride;
};
LW_ARGS_SIZE(lw_rms_norm_backward_args, 88)

#endif
