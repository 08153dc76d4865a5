// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the Vulkan functions in use, as tables filled at run time. A function is
// added by adding a row.
#ifndef LW_GPU_VULKAN_H
#define LW_GPU_VULKAN_H

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include "engine/base/error.h"

#define LW_VULKAN_GLOBAL(X)                                                                        \
    X(CreateInstance)                                                                              \
    X(EnumerateInstanceVersion)                                                                    \
    X(EnumerateInstanceLayerProperties)                                                            \
    X(EnumerateInstanceExtensionProperties)

#define LW_VULKAN_INSTANCE(X)                                                                      \
    X(DestroyInstance)                                                                             \
    X(EnumeratePhysicalDevices)                                                                    \
    X(EnumerateDeviceExtensionProperties)                                                          \
    X(GetPhysicalDeviceProperties2)                                                                \
    X(GetPhysicalDeviceFeatures2)                                                                  \
    X(GetPhysicalDeviceMemoryProperties2)                                                          \
    X(GetPhysicalDeviceQueueFamilyProperties)                                                      \
    X(CreateDevice)                                                                                \
    X(GetDeviceProcAddr)

#define LW_VULKAN_DEVICE(X)                                                                        \
    X(DestroyDevice)                                                                               \
    X(DeviceWaitIdle)                                                                              \
    X(GetDeviceQueue)                                                                              \
    X(QueueSubmit)                                                                                 \
    X(AllocateMemory)                                                                              \
    X(FreeMemory)                                                                                  \
    X(MapMemory)                                                                                   \
    X(CreateBuffer)                                                                                \
    X(DestroyBuffer)                                                                               \
    X(GetBufferMemoryRequirements)                                                                 \
    X(BindBufferMemory)                                                                            \
    X(GetBufferDeviceAddress)                                                                      \
    X(CreateCommandPool)                                                                           \
    X(DestroyCommandPool)                                                                          \
    X(AllocateCommandBuffers)                                                                      \
    X(FreeCommandBuffers)                                                                          \
    X(BeginCommandBuffer)                                                                          \
    X(EndCommandBuffer)                                                                            \
    X(CmdBindPipeline)                                                                             \
    X(CmdPushConstants)                                                                            \
    X(CmdDispatchBase)                                                                             \
    X(CmdPipelineBarrier)                                                                          \
    X(CmdFillBuffer)                                                                               \
    X(CmdCopyBuffer)                                                                               \
    X(CmdResetQueryPool)                                                                           \
    X(CmdWriteTimestamp)                                                                           \
    X(CreateQueryPool)                                                                             \
    X(DestroyQueryPool)                                                                            \
    X(GetQueryPoolResults)                                                                         \
    X(CreateSemaphore)                                                                             \
    X(DestroySemaphore)                                                                            \
    X(WaitSemaphores)                                                                              \
    X(GetSemaphoreCounterValue)                                                                    \
    X(CreateShaderModule)                                                                          \
    X(DestroyShaderModule)                                                                         \
    X(CreatePipelineLayout)                                                                        \
    X(DestroyPipelineLayout)                                                                       \
    X(CreatePipelineCache)                                                                         \
    X(DestroyPipelineCache)                                                                        \
    X(GetPipelineCacheData)                                                                        \
    X(CreateComputePipelines)                                                                      \
    X(DestroyPipeline)

#define LW_VULKAN_MEMBER(name) PFN_vk##name name;

struct lw_vulkan_global {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    LW_VULKAN_GLOBAL(LW_VULKAN_MEMBER)
};

struct lw_vulkan_instance {
    LW_VULKAN_INSTANCE(LW_VULKAN_MEMBER)
    // NULL without validation.
    PFN_vkCreateDebugUtilsMessengerEXT CreateDebugUtilsMessenger;
    PFN_vkDestroyDebugUtilsMessengerEXT DestroyDebugUtilsMessenger;
};

struct lw_vulkan_device {
    LW_VULKAN_DEVICE(LW_VULKAN_MEMBER)
};

// Fills `error` with what `action` was and what `result` means. Always returns false.
bool lw_fail_vulkan(struct lw_error *error, const char *action, VkResult result);

#endif
