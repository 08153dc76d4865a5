// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_SWIGLU_BACKWARD_H
#define LW_SHADERS_SWIGLU_BACKWARD_H

#include "shaders/include/args.h"

// The gradient of swiglu; gate_up_gradient is laid out as gate_up and may be it.
struct lw_swiglu_backward_args {
    uint64_t gate_up, y_gradient, gate_up_gradient;
    uint32_t rows, columns, gate_up_stride, y_gradient_stride, gate_up_gradient_stride;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_swiglu_backward_args, 48)

#endif
