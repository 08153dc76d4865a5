// SPDX-License-Identifier: Apache-2.0
// Times whole training steps of a model with random weights on random tokens: forward, backward,
// clipping and AdamW, submitted as trainer/loop.c does it, the host one step ahead.
#ifndef LW_BENCH_STEPS_H
#define LW_BENCH_STEPS_H

#include "engine/gpu/usage.h"
#include "engine/model/training.h"

struct lw_steps_params {
    struct lw_device *device;
    const struct lw_config *config;
    enum lw_tune tune;    // of the matrix products, before
    const char *model;    // in messages
    enum lw_type type;    // of weights and activations
    uint32_t sequence;    // tokens of a sequence
    uint32_t batch;       // sequences of a step
    uint32_t micro_batch; // of them computed at once, divides batch; 0: chosen by what fits
    uint32_t steps;       // that are timed
    bool recompute;       // keep only the layers' inputs, also where all would fit
};

struct lw_steps_figures {
    const char *model;
    enum lw_type type;
    enum lw_keep keep; // what was kept for the backward pass: all if that fits, as in training
    uint64_t parameters;
    uint32_t sequence, batch, micro_batch, steps;
    double seconds;        // of a step, the mean
    double tokens;         // of a step
    double model_flops;    // useful operations of a step: lw_steps_flops
    uint64_t memory_bytes; // that the device object held at most
    double loss;           // of the last step
    struct lw_usage usage; // of the device, over the timed steps
};

// LW_NO_RESOURCE: the device's memory is too small.
bool lw_bench_steps(
    struct lw_steps_figures *figures, const struct lw_steps_params *params, struct lw_error *error);

#endif
