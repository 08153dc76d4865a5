// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ADAMW_H
#define LW_SHADERS_ADAMW_H

#include "shaders/include/args.h"

// What changes from step to step, written by the host. The C side of it is struct
// lw_optimizer_state, with the same members.
struct lw_adamw_state {
    float learning_rate, beta1_correction, beta2_correction, max_grad_norm;
};

// A range of weights, and the first workgroup that works on it; `fours`: all its arrays begin at
// multiples of 8 bytes. weights bf16, or 0; the rest fp32.
struct lw_adamw_row {
    uint64_t master, weights, gradient, first_moment, second_moment, count;
    uint32_t first_group, fours;
    float weight_decay;
    uint32_t reserved;
};

// One step over all ranges (engine/ops/optimizer.h); `half_count` is the largest power of two below
// row_count, or 0.
struct lw_adamw_args {
    uint64_t rows, state, grad_norm;
    uint32_t row_count, half_count;
    float beta1, beta2, new1, new2; // new = 1 - beta, the share of the new gradient
    float epsilon, reserved;
};
LW_ARGS_SIZE(lw_adamw_args, 56)

#endif
