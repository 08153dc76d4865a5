// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_RMS_NORM_H
#define LW_SHADERS_RMS_NORM_H

#include "shaders/include/args.h"

// y = x * inverse * weight with inverse = 1 / sqrt(mean(x^2) + epsilon), row by row.
struct lw_rms_norm_args {
    uint64_t x, weight, y, inverse;
    uint32_t rows, columns, x_stride, y_stride;
    float epsilon;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_rms_norm_args, 56)

#endif
