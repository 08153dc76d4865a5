// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ADAMW_H
#define LW_SHADERS_ADAMW_H

#include "shaders/include/args.h"

// What changes from step to step, written by the host. The C side of it is struct
// lw_optimizer_state, with the same members.
struct lw_adamw_state {
    float learning_rate, beta1_correction, beta2_correction, max_grad_norm;
};

// One step over `count` elements (engine/ops/optimizer.h); weights bf16, or 0; the rest fp32.
struct lw_adamw_args {
    uint64_t master, weights, gradient, first_moment, second_moment, state, grad_norm, count;
    float beta1, beta2, new1, new2; // new = 1 - beta, the share of the new gradient
    float epsilon, weight_decay;
};
LW_ARGS_SIZE(lw_adamw_args, 88)

#endif
