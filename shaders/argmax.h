// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ARGMAX_H
#define LW_SHADERS_ARGMAX_H

#include "shaders/include/args.h"

// *next = index of the largest of logits[0 .. count) fp32, the lowest on a tie; one workgroup.
struct lw_argmax_args {
    uint64_t logits, next;
    uint32_t count;
    uint32_t padding;
};
LW_ARGS_SIZE(lw_argmax_args, 24)

#endif
