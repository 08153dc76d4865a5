// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MAGNITUDE_H
#define LW_SHADERS_MAGNITUDE_H

#include "shaders/include/args.h"

struct lw_magnitude_args {
    uint64_t source; // bf16 [rows, columns]
    uint64_t target; // uint: zero before
    uint32_t rows, columns, stride, reserved;
};
LW_ARGS_SIZE(lw_magnitude_args, 32)

#endif
