// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the parts of a device.
#ifndef LW_GPU_DEVICE_PRIVATE_H
#define LW_GPU_DEVICE_PRIVATE_H

#include "engine/gpu/device.h"
#include "engine/gpu/instance_private.h"

struct lw_choices;
struct lw_pipelines;
struct lw_profile;
struct lw_submissions;

struct lw_device {
    struct lw_instance *instance;
    VkPhysicalDevice physical;
    VkDevice handle;
    VkQueue queue;
    VkCommandPool pool;
    VkSemaphore timeline;
    struct lw_submissions *submissions;
    uint64_t submitted;        // the last ticket given out
    double submission_seconds; // that a submission is to take at most
    VkPhysicalDeviceMemoryProperties memory;
    uint64_t memory_held;
    struct lw_caps caps;
    struct lw_vulkan_device vulkan;
    struct lw_pipelines *pipelines;
    struct lw_choices *choices;
    struct lw_profile *profile; // NULL unless asked for
    bool statistics;            // pipelines keep them
    const struct lw_log *log;
};

#endif
