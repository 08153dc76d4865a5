// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_LOSS_SUM_H
#define LW_SHADERS_LOSS_SUM_H

#include "shaders/include/args.h"

// *sum += *loss_scale * sum of losses[0 .. *row_count), one workgroup.
struct lw_loss_sum_args {
    uint64_t losses, row_count, loss_scale, sum;
};
LW_ARGS_SIZE(lw_loss_sum_args, 32)

#endif
