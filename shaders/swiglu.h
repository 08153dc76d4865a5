// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_SWIGLU_H
#define LW_SHADERS_SWIGLU_H

#include "shaders/include/args.h"

// y = silu(gate) * up; gate_up holds gate in the first `columns` of a row and up in the next.
struct lw_swiglu_args {
    uint64_t gate_up, y;
    uint32_t rows, columns, gate_up_stride, y_stride;
};
LW_ARGS_SIZE(lw_swiglu_args, 32)

#endif
