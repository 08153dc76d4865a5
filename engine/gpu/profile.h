// SPDX-License-Identifier: Apache-2.0
// Time, bytes and operations per kernel, from the device's own timestamps.
#ifndef LW_GPU_PROFILE_H
#define LW_GPU_PROFILE_H

#include "engine/gpu/device.h"
#include "engine/gpu/kernel.h"

struct lw_profile_row {
    uint64_t calls;
    double seconds, bytes, flops; // sums over the calls
};

// What a kernel took in the runs of streams that were submitted again or destroyed since; NULL unless
// the device profiles.
const struct lw_profile_row *lw_device_profile(
    const struct lw_device *device, enum lw_kernel_id kernel);

#endif
