// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_VARIANCE_H
#define LW_SHADERS_VARIANCE_H

#include "shaders/include/args.h"

#define LW_VARIANCE_TERMS 8 // of one dispatch

// The variance over the models of x[k] - base at each element, in turns of up to LW_VARIANCE_TERMS
// models: first `mean` of all, then y.
struct lw_variance_args {
    uint64_t x[LW_VARIANCE_TERMS];
    uint64_t base, mean, y; // mean, y: fp32
    uint32_t count, first_turn;
    float share; // 1 / the number of models
    uint32_t reserved;
};
LW_ARGS_SIZE(lw_variance_args, 104)

#endif
