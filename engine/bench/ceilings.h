// SPDX-License-Identifier: Apache-2.0
// What the device can do at best, measured in the same run as what is held to it, so that figures of
// a machine with fast and slow phases can be read as ratios.
#ifndef LW_BENCH_CEILINGS_H
#define LW_BENCH_CEILINGS_H

#include "engine/bench/cores.h"
#include "engine/base/types.h"
#include "engine/gpu/device.h"
#include "engine/ops/matmul.h"

// 0: not measured. Rates are those of the best of several runs.
struct lw_ceilings {
    double kernel_copy;             // bytes read and written a second by a kernel that only copies
    double vector;                  // operations a second of multiply-adds in registers, fp32
    struct lw_cores cores;          // CPU devices only
    uint32_t product_size;          // m, n and k of the products below
    double products[LW_TYPE_COUNT]; // operations a second of the best layout's product, by type
    bool processor_time;            // set before measuring: the clock to take (lw_bench_clock)
};

// All but the products.
bool lw_ceilings_measure(
    struct lw_ceilings *ceilings, struct lw_device *device, struct lw_error *error);

// The product of two square matrices of `type`, in the layout that the device does best, tuned
// before.
bool lw_ceilings_measure_product(struct lw_ceilings *ceilings, struct lw_device *device,
    enum lw_type type, enum lw_tune tune, struct lw_error *error);

// Measures the cores' ceilings again, where they were measured at all: clocks change by the second.
bool lw_ceilings_refresh(struct lw_ceilings *ceilings, struct lw_error *error);

// What memory traffic is held to: the faster of the copies measured.
double lw_ceilings_copy(const struct lw_ceilings *ceilings);

// What matrix products of `type` are held to: the highest of the rates of arithmetic measured.
double lw_ceilings_matrix(const struct lw_ceilings *ceilings, enum lw_type type);

#endif
