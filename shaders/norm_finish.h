// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_NORM_FINISH_H
#define LW_SHADERS_NORM_FINISH_H

#include "shaders/include/args.h"

// *norm = sqrt(sum of partial[0 .. count)), one workgroup.
struct lw_norm_finish_args {
    uint64_t partial, norm;
    uint32_t count;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_norm_finish_args, 24)

#endif
