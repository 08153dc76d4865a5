// SPDX-License-Identifier: Apache-2.0
// Times each operation of a training step by itself, at the shapes that it has in a given model.
#ifndef LW_BENCH_KERNELS_H
#define LW_BENCH_KERNELS_H

#include "engine/base/types.h"
#include "engine/gpu/device.h"
#include "engine/model/config.h"
#include "engine/ops/matmul.h"

struct lw_kernel_figures {
    const char *model;  // as params->model
    const char *kernel; // "rms_norm", "product: gate_up forward"
    const char *shape;  // for people; valid during the call
    enum lw_type type;
    double seconds, median; // of one run: the best and the median
    double bytes, flops;    // of useful work in one run: operands read and results written once
    bool product;           // a matrix product or attention, whose limit is arithmetic
};

struct lw_kernels_params {
    struct lw_device *device;
    const struct lw_config *config;
    const char *model;
    enum lw_type type;         // of weights and activations
    enum lw_tune tune;         // of the products, before they are timed
    uint32_t tokens, sequence; // sequences of this many tokens, side by side
    double seconds;            // to spend on each kernel, about
    const char *filter;        // only kernels whose name contains this; NULL: all
    // Called after each kernel.
    void (*figures)(void *context, const struct lw_kernel_figures *figures);
    void *context;
};

// LW_NO_RESOURCE: the operands of a kernel do not fit into the device's memory.
bool lw_bench_kernels(const struct lw_kernels_params *params, struct lw_error *error);

#endif
