// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_CONVERT_H
#define LW_SHADERS_CONVERT_H

#include "shaders/include/args.h"

// y[i] = x[i] in another element type, for i < count.
struct lw_convert_args {
    uint64_t x, y;
    uint64_t count;
};
LW_ARGS_SIZE(lw_convert_args, 24)

#endif
