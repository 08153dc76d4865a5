// SPDX-License-Identifier: Apache-2.0
// How much of the time the device had work, from its own timestamps before and after each
// submission: what the host keeps it waiting for shows as idle time.
#ifndef LW_GPU_USAGE_H
#define LW_GPU_USAGE_H

#include "engine/gpu/device.h"

// Submissions from now on are counted, and the time between them; not the time before the first.
// Called again while counting: the gap up to the next submission is not counted.
void lw_device_usage_begin(struct lw_device *device);
// Submissions from now on are not counted.
void lw_device_usage_end(struct lw_device *device);

struct lw_usage {
    double busy, idle; // seconds with a submission under way, and between submissions
    uint64_t waits;    // of the host for the device
};

// 0 to 1; 0 where nothing was counted.
double lw_usage_idle_share(const struct lw_usage *usage);

// Since the device was created, of counted submissions that have ended. Zero where the device has no
// timestamps.
struct lw_usage lw_device_usage(struct lw_device *device);

#endif
