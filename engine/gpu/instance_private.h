// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: what a device needs of its instance.
#ifndef LW_GPU_INSTANCE_PRIVATE_H
#define LW_GPU_INSTANCE_PRIVATE_H

#include <stdatomic.h>

#include "engine/base/library.h"
#include "engine/gpu/instance.h"
#include "engine/gpu/vulkan.h"

struct lw_physical_device {
    VkPhysicalDevice handle;
    uint32_t queue_family; // of compute
    struct lw_caps caps;
};

struct lw_instance {
    struct lw_library *library;
    VkInstance handle;
    VkDebugUtilsMessengerEXT messenger;
    struct lw_vulkan_global global;
    struct lw_vulkan_instance vulkan;
    const struct lw_log *log;
    atomic_uint message_count;
    struct lw_physical_device *devices;
    size_t device_count;
};

// Measures `device->handle` into `device->caps` and picks its compute queue family.
void lw_caps_measure(const struct lw_instance *instance, struct lw_physical_device *device);

#endif
