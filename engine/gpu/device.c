// SPDX-License-Identifier: Apache-2.0
// Creates the logical device, its queue and its timeline. See device.h.
#include "engine/gpu/device.h"

#include "engine/base/alloc.h"
#include "engine/base/host_memory.h"
#include "engine/gpu/choices.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/kernel.h"
#include "engine/gpu/profile_private.h"
#include "engine/gpu/submission.h"
#include "engine/gpu/vulkan_matrix.h"

// Watchdogs fire after one or two seconds, and a desktop on the same GPU waits while a submission runs.
// A CPU device has neither.
#define SUBMISSION_SECONDS 0.1
#define CPU_SUBMISSION_SECONDS 1

static bool load_functions(struct lw_device *device, struct lw_error *error)
{
#define LOAD(function)                                                                             \
    device->vulkan.function = (PFN_vk##function)device->instance->vulkan.GetDeviceProcAddr(        \
        device->handle, "vk" #function);                                                           \
    if (!device->vulkan.function) {                                                                \
        return lw_fail(error, LW_NO_RESOURCE,                                                      \
            "the driver of %s has no vk" #function "; update it", device->caps.name);              \
    }
    LW_VULKAN_DEVICE(LOAD)
#undef LOAD
    return true;
}

// What is switched on beyond Vulkan 1.2, as far as the device has it and it is not hidden.
struct optional_features {
    const char *extensions[8];
    uint32_t extension_count;
    VkPhysicalDeviceSubgroupSizeControlFeatures sizes;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix2;
    VkPhysicalDeviceMaintenance4Features maintenance4;
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat16;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables;
    void *chain; // of the structs in use
};

// Puts the struct `next` (NULL: none) in front of the chain and names the extension.
static void enable(struct optional_features *optional, const char *extension, void *next)
{
    optional->extensions[optional->extension_count++] = extension;
    if (next) {
        ((VkBaseOutStructure *)next)->pNext = optional->chain;
        optional->chain = next;
    }
}

static void pick_optional_features(struct optional_features *optional, uint32_t features)
{
    VkBool32 workgroups = (features & LW_FEATURE_WORKGROUP_MATRIX) != 0;
    *optional = (struct optional_features){
        .sizes = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
            .subgroupSizeControl = VK_TRUE,
            .computeFullSubgroups = VK_TRUE},
        .matrix = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
            .cooperativeMatrix = VK_TRUE},
        .matrix2 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
            .cooperativeMatrixFlexibleDimensions = VK_TRUE,
            .cooperativeMatrixPerElementOperations = VK_TRUE,
            .cooperativeMatrixWorkgroupScope = workgroups,
            .cooperativeMatrixTensorAddressing = workgroups,
            .cooperativeMatrixBlockLoads = workgroups},
        .maintenance4 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES,
            .maintenance4 = VK_TRUE},
        .bfloat16 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR,
            .shaderBFloat16Type = VK_TRUE,
            .shaderBFloat16CooperativeMatrix = VK_TRUE},
        .executables = {
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
            .pipelineExecutableInfo = VK_TRUE}};
    uint32_t matrices = LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_COOPERATIVE_MATRIX_2;
    if (features & LW_FEATURE_SUBGROUP_SIZE_CONTROL) {
        enable(optional, "VK_EXT_subgroup_size_control", &optional->sizes);
    }
    if (features & LW_FEATURE_MEMORY_BUDGET) {
        enable(optional, "VK_EXT_memory_budget", NULL);
    }
    if (features & matrices) { // the second is an addition to the first
        enable(optional, "VK_KHR_cooperative_matrix", &optional->matrix);
    }
    if (features & LW_FEATURE_COOPERATIVE_MATRIX_2) {
        enable(optional, "VK_NV_cooperative_matrix2", &optional->matrix2);
        // SPIR-V 1.6 names the size of a workgroup in a way that this allows.
        enable(optional, "VK_KHR_maintenance4", &optional->maintenance4);
    }
    if (features & LW_FEATURE_BFLOAT16) {
        enable(optional, "VK_KHR_shader_bfloat16", &optional->bfloat16);
    }
}

static bool create_handle(struct lw_device *device, uint32_t queue_family, struct lw_error *error)
{
    const struct lw_caps *caps = &device->caps;
    struct optional_features optional;
    pick_optional_features(&optional, caps->features);
    if (device->statistics) {
        enable(&optional, "VK_KHR_pipeline_executable_properties", &optional.executables);
    }
    uint32_t matrices = LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_COOPERATIVE_MATRIX_2;
    VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = optional.chain,
        .bufferDeviceAddress = VK_TRUE,
        .timelineSemaphore = VK_TRUE,
        .scalarBlockLayout = VK_TRUE,
        .vulkanMemoryModel = (caps->features & matrices) != 0,
        .vulkanMemoryModelDeviceScope = (caps->features & matrices) != 0,
        .shaderFloat16 = (caps->features & LW_FEATURE_FLOAT16) != 0};
    VkPhysicalDeviceVulkan11Features features11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
        .pNext = &features12,
        .storageBuffer16BitAccess = VK_TRUE};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &features11,
        .features = {.shaderInt64 = VK_TRUE, .shaderInt16 = VK_TRUE}};
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = optional.extension_count,
        .ppEnabledExtensionNames = optional.extensions};
    VkResult result =
        device->instance->vulkan.CreateDevice(device->physical, &info, NULL, &device->handle);
    if (result == VK_ERROR_EXTENSION_NOT_PRESENT && device->statistics) {
        return lw_fail(error, LW_NO_RESOURCE,
            "the driver of %s keeps no statistics of its compiler", caps->name);
    }
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "opening the device", result);
    }
    return load_functions(device, error);
}

static bool create_queue(struct lw_device *device, uint32_t queue_family, struct lw_error *error)
{
    device->vulkan.GetDeviceQueue(device->handle, queue_family, 0, &device->queue);
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = queue_family};
    VkResult result = device->vulkan.CreateCommandPool(device->handle, &pool, NULL, &device->pool);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating the command pool", result);
    }
    VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo semaphore = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    result = device->vulkan.CreateSemaphore(device->handle, &semaphore, NULL, &device->timeline);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating the timeline", result);
    }
    return true;
}

bool lw_device_create(struct lw_device **out, struct lw_instance *instance,
    const struct lw_device_params *params, struct lw_error *error)
{
    *out = NULL;
    const struct lw_physical_device *physical = &instance->devices[params->index];
    if (physical->caps.unusable[0]) {
        return lw_fail(error, LW_NO_RESOURCE, "%s cannot be used: %s; update its driver",
            physical->caps.name, physical->caps.unusable);
    }
    struct lw_device *device = lw_calloc(1, sizeof *device, error);
    if (!device) {
        return false;
    }
    device->instance = instance;
    device->physical = physical->handle;
    device->caps = physical->caps;
    device->caps.features &= ~params->hidden_features;
    device->statistics = params->statistics;
    device->log = params->log;
    device->submission_seconds =
        device->caps.kind == LW_DEVICE_CPU ? CPU_SUBMISSION_SECONDS : SUBMISSION_SECONDS;
    VkPhysicalDeviceMemoryProperties2 memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    instance->vulkan.GetPhysicalDeviceMemoryProperties2(device->physical, &memory);
    device->memory = memory.memoryProperties;
    if (!create_handle(device, physical->queue_family, error) ||
        !create_queue(device, physical->queue_family, error) ||
        !lw_submissions_create(&device->submissions, device, error) ||
        !lw_pipelines_create(&device->pipelines, device, params->cache_folder, error) ||
        !lw_choices_open(&device->choices, device, params->cache_folder, error) ||
        (params->profile && !(device->profile = lw_calloc(1, sizeof *device->profile, error)))) {
        lw_device_destroy(device);
        return lw_fail_in(error, "device %s", physical->caps.name);
    }
    *out = device;
    return true;
}

void lw_device_destroy(struct lw_device *device)
{
    if (!device) {
        return;
    }
    if (device->handle && device->vulkan.DestroyDevice) {
        device->vulkan.DeviceWaitIdle(device->handle);
        lw_pipelines_destroy(device->pipelines);
        lw_submissions_destroy(device);
        device->vulkan.DestroySemaphore(device->handle, device->timeline, NULL);
        device->vulkan.DestroyCommandPool(device->handle, device->pool, NULL);
        device->vulkan.DestroyDevice(device->handle, NULL);
    }
    lw_choices_close(device->choices);
    lw_free(device->profile);
    lw_free(device);
}

const struct lw_caps *lw_device_caps(const struct lw_device *device)
{
    return &device->caps;
}

uint64_t lw_device_memory_held(const struct lw_device *device)
{
    return device->memory_held;
}

uint64_t lw_device_memory_free(const struct lw_device *device)
{
    uint64_t total = device->caps.memory_total, held = device->memory_held;
    uint64_t available = total > held ? total - held : 0;
    if (device->caps.features & LW_FEATURE_MEMORY_BUDGET) {
        struct lw_physical_device now = {.handle = device->physical};
        lw_caps_measure(device->instance, &now);
        available = now.caps.memory_free ? now.caps.memory_free : available;
    }
    // A device that shares main memory has no more of it than the machine.
    bool shared = (device->caps.features & LW_FEATURE_UNIFIED_MEMORY) != 0;
    uint64_t host = shared ? lw_host_memory_now().available : 0;
    return host && host < available ? host : available;
}

bool lw_device_wait(struct lw_device *device, uint64_t ticket, struct lw_error *error)
{
    if (lw_submission_done(device, ticket)) {
        return true;
    }
    lw_submission_count_wait(device);
    VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &device->timeline,
        .pValues = &ticket};
    VkResult result = device->vulkan.WaitSemaphores(device->handle, &info, UINT64_MAX);
    return result == VK_SUCCESS ||
           lw_fail_submission(device, "waiting for the device", result, error);
}

bool lw_device_wait_all(struct lw_device *device, struct lw_error *error)
{
    return lw_device_wait(device, device->submitted, error);
}
