// SPDX-License-Identifier: Apache-2.0
// What the machine can do at best, measured in the same run as the kernels, so that figures of a
// machine with fast and slow phases can be read as ratios.
#ifndef LW_TESTS_KERNELS_CEILING_H
#define LW_TESTS_KERNELS_CEILING_H

#include "engine/gpu/device.h"

// 0: not measured.
struct ceilings {
    double kernel_copy;  // bytes read and written a second by a kernel that only copies
    double memory_copy;  // the same by memcpy on all cores; CPU devices only
    double fma;          // floating-point operations a second of all cores; CPU devices only
    bool processor_time; // set before measuring: count the time that the cores worked for this
                         // process, which other processes disturb less
};

// Seconds from some moment on, by the clock that `ceilings` chooses.
double ceilings_clock(const struct ceilings *ceilings);

bool ceilings_measure(struct ceilings *ceilings, struct lw_device *device, struct lw_error *error);

// Measures the cores' ceilings again, where they were measured at all: clocks change by the second.
bool ceilings_refresh(struct ceilings *ceilings, struct lw_error *error);

#endif
