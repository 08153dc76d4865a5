// SPDX-License-Identifier: Apache-2.0
// AdamW with decoupled weight decay (arXiv 1711.05101) as PyTorch computes it, and what gradient
// clipping needs. What changes from step to step is read from device memory, so that one recording
// serves all steps.
#ifndef LW_OPS_OPTIMIZER_H
#define LW_OPS_OPTIMIZER_H

#include <stddef.h>

#include "engine/ops/tensor.h"

// Written by the host before each step; shared with the kernels.
struct lw_optimizer_state {
    float learning_rate;
    float beta1_correction; // 1 - beta1^t, t from 1
    float beta2_correction; // sqrt(1 - beta2^t)
    float max_grad_norm;    // 0: no clipping
};

// Weights that lie in one piece.
struct lw_adamw_range {
    uint64_t count; // elements
    double weight_decay;
    struct lw_buffer master;  // [count] fp32 weights
    struct lw_buffer weights; // [count] bf16 working copy; size 0: the master is the weight
    struct lw_buffer gradient, first_moment, second_moment; // [count] fp32
};

struct lw_adamw {
    const struct lw_adamw_range *ranges; // [range_count], without one of no elements
    size_t range_count;
    // In double, because 1 - beta2 is rounded once, as PyTorch does: 1 - 0.999f is 5e-5 off 0.001.
    double beta1, beta2, epsilon;
    struct lw_buffer rows;      // lw_adamw_size bytes, as lw_adamw_rows makes them
    struct lw_buffer state;     // struct lw_optimizer_state
    struct lw_buffer grad_norm; // one fp32, the norm before clipping
};

// What the device must know of the ranges: how many bytes, and these bytes, to memory aligned to 8.
enum { LW_ADAMW_ROW_BYTES = 64 }; // a range
uint64_t lw_adamw_size(size_t range_count);
void lw_adamw_rows(const struct lw_adamw *adamw, void *memory);

// Of all ranges, in one dispatch:
// g = gradient * min(1, max_grad_norm / (grad_norm + 1e-6)); m = b1 m + (1 - b1) g;
// v = b2 v + (1 - b2) g^2; w -= lr * decay * w; w -= lr / c1 * m / (sqrt(v) / c2 + epsilon).
// Then gradient = 0, ready for the next step's accumulation.
void lw_adamw(struct lw_stream *stream, const struct lw_adamw *adamw);

// partial[0 .. lw_squared_norm_partials(count)) fp32 = sums of squares of consecutive pieces of
// values [count] fp32.
uint32_t lw_squared_norm_partials(uint64_t count);
void lw_squared_norm(struct lw_stream *stream, const struct lw_buffer *values, uint64_t count,
    const struct lw_buffer *partial);
// norm[0] = sqrt(sum of partial[0 .. count)), in a fixed order, compensated or in pairs.
void lw_norm_finish(struct lw_stream *stream, const struct lw_buffer *partial, uint32_t count,
    const struct lw_buffer *norm);

#endif
