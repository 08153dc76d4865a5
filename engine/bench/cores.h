// SPDX-License-Identifier: Apache-2.0
// What the processor's cores reach at best, all of them together, for CPU devices: the ceilings that
// their kernels are held to.
#ifndef LW_BENCH_CORES_H
#define LW_BENCH_CORES_H

#include "engine/base/error.h"

struct lw_cores {
    double memory_copy;  // bytes read and written a second by memcpy
    double multiply_add; // floating-point operations a second, a multiply-add being two
};

// `processor_time`: by the clock that lw_bench_clock(true) reads.
bool lw_cores_measure(struct lw_cores *cores, bool processor_time, struct lw_error *error);

#endif
