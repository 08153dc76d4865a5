// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the timestamps of the dispatches of an encoded stream.
#ifndef LW_GPU_PROFILE_PRIVATE_H
#define LW_GPU_PROFILE_PRIVATE_H

#include "engine/gpu/profile.h"
#include "engine/gpu/vulkan.h"

// One row per enum lw_kernel_id.
struct lw_profile {
    struct lw_profile_row rows[LW_KERNEL_COUNT];
};

struct lw_stream_profile;
bool lw_stream_profile_create(
    struct lw_stream_profile **profile, struct lw_device *device, struct lw_error *error);
void lw_stream_profile_destroy(struct lw_stream_profile *profile);

// A dispatch or a part of one.
struct lw_timed_dispatch {
    enum lw_kernel_id kernel;
    unsigned calls; // 1, or 0 for the later parts of a dispatch
    double bytes, flops;
};

// Around one dispatch. False when there is no room to time it.
bool lw_stream_profile_begin(struct lw_stream_profile *profile, VkCommandBuffer commands,
    const struct lw_timed_dispatch *dispatch, struct lw_error *error);
void lw_stream_profile_end(struct lw_stream_profile *profile, VkCommandBuffer commands);

// Adds the last run's times to the device's rows.
void lw_stream_profile_collect(struct lw_stream_profile *profile);

#endif
