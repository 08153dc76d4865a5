// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: command buffers to the queue, one submission and one ticket each, with
// timestamps around each of them. The timestamps lie in a ring of small command buffers of their
// own, so that a recording can be submitted again before the times of its last run were read.
#ifndef LW_GPU_SUBMISSION_H
#define LW_GPU_SUBMISSION_H

#include "engine/gpu/usage.h"
#include "engine/gpu/vulkan.h"

struct lw_submissions;

bool lw_submissions_create(
    struct lw_submissions **submissions, struct lw_device *device, struct lw_error *error);
void lw_submissions_destroy(struct lw_device *device); // those of the device, done

// The ticket is device->submitted afterwards. `name` must outlive the device. Waits where a few
// hundred submissions are under way.
bool lw_submit(
    struct lw_device *device, VkCommandBuffer commands, const char *name, struct lw_error *error);

// Whether the work of `ticket` is done. Does not wait.
bool lw_submission_done(struct lw_device *device, uint64_t ticket);

// Counts a wait of the host for the device's usage (usage.h).
void lw_submission_count_wait(struct lw_device *device);

// Device seconds of a submission that is done; false when they are not known, or no more.
bool lw_submission_seconds(struct lw_device *device, uint64_t ticket, double *seconds);

// lw_fail_vulkan, with what the device was running where it was lost.
bool lw_fail_submission(
    struct lw_device *device, const char *action, VkResult result, struct lw_error *error);

#endif
