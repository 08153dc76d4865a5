// SPDX-License-Identifier: Apache-2.0
// Asks the driver what a device can do. Called once per device by instance.c; everything above
// reads only struct lw_caps.
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/instance_private.h"
#include "engine/gpu/vulkan_matrix.h"

const char *lw_feature_name(enum lw_feature feature)
{
    static const struct {
        enum lw_feature feature;
        const char *name;
    } names[LW_FEATURE_COUNT] = {
        {LW_FEATURE_CPU, "cpu"},
        {LW_FEATURE_FLOAT16, "float16"},
        {LW_FEATURE_COOPERATIVE_MATRIX, "cooperative_matrix"},
        {LW_FEATURE_COOPERATIVE_MATRIX_2, "cooperative_matrix_2"},
        {LW_FEATURE_WORKGROUP_MATRIX, "workgroup_matrix"},
        {LW_FEATURE_BFLOAT16, "bfloat16"},
        {LW_FEATURE_SUBGROUP_SIZE_CONTROL, "subgroup_size_control"},
        {LW_FEATURE_MEMORY_BUDGET, "memory_budget"},
        {LW_FEATURE_EXTERNAL_HOST, "external_host"},
        {LW_FEATURE_UNIFIED_MEMORY, "unified_memory"},
    };
    for (int i = 0; i < LW_FEATURE_COUNT; i++) {
        if (names[i].feature == feature) {
            return names[i].name;
        }
    }
    return "unknown";
}

static bool unknown_capability(const char *name, size_t length, struct lw_error *error)
{
    char known[512] = "";
    for (uint32_t i = 0; i < LW_FEATURE_COUNT; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
            lw_feature_name((enum lw_feature)(1u << i)));
    }
    return lw_fail(error, LW_USAGE, "--hide-caps: there is no capability \"%.*s\"; known: %s",
        (int)length, name, known);
}

bool lw_features_parse(const char *names, uint32_t *features, struct lw_error *error)
{
    *features = 0;
    for (const char *name = names ? names : ""; *name;) {
        size_t length = strcspn(name, ",");
        uint32_t bit = 0;
        for (uint32_t i = 0; i < LW_FEATURE_COUNT; i++) {
            const char *known = lw_feature_name((enum lw_feature)(1u << i));
            if (strlen(known) == length && !memcmp(known, name, length)) {
                bit = 1u << i;
            }
        }
        if (!bit) {
            return unknown_capability(name, length, error);
        }
        *features |= bit;
        name += length + (name[length] == ',');
    }
    return true;
}

static const struct {
    const char *extension;
    enum lw_feature feature;
} extension_features[] = {
    {"VK_KHR_cooperative_matrix", LW_FEATURE_COOPERATIVE_MATRIX},
    {"VK_NV_cooperative_matrix2", LW_FEATURE_COOPERATIVE_MATRIX_2},
    {"VK_KHR_shader_bfloat16", LW_FEATURE_BFLOAT16},
    {"VK_EXT_subgroup_size_control", LW_FEATURE_SUBGROUP_SIZE_CONTROL},
    {"VK_EXT_memory_budget", LW_FEATURE_MEMORY_BUDGET},
    {"VK_EXT_external_memory_host", LW_FEATURE_EXTERNAL_HOST},
};

static void measure_extensions(
    const struct lw_instance *instance, struct lw_physical_device *device)
{
    uint32_t count = 0;
    instance->vulkan.EnumerateDeviceExtensionProperties(device->handle, NULL, &count, NULL);
    VkExtensionProperties *extensions = lw_calloc(count, sizeof *extensions, NULL);
    if (!extensions) {
        return;
    }
    instance->vulkan.EnumerateDeviceExtensionProperties(device->handle, NULL, &count, extensions);
    size_t rows = sizeof extension_features / sizeof *extension_features;
    for (uint32_t i = 0; i < count; i++) {
        for (size_t row = 0; row < rows; row++) {
            if (!strcmp(extensions[i].extensionName, extension_features[row].extension)) {
                device->caps.features |= extension_features[row].feature;
            }
        }
    }
    lw_free(extensions);
}

static void require(struct lw_caps *caps, VkBool32 present, const char *what)
{
    if (!present && !caps->unusable[0]) {
        snprintf(caps->unusable, sizeof caps->unusable, "its driver lacks %s", what);
    }
}

static void measure_features(const struct lw_instance *instance, struct lw_physical_device *device)
{
    struct lw_caps *caps = &device->caps;
    VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceVulkan11Features features11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &features12};
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features11};
    instance->vulkan.GetPhysicalDeviceFeatures2(device->handle, &features);
    require(caps, features12.bufferDeviceAddress, "buffer device addresses");
    require(caps, features12.timelineSemaphore, "timeline semaphores");
    require(caps, features12.scalarBlockLayout, "scalar block layout");
    require(caps, features.features.shaderInt64, "64-bit integers");
    require(caps, features11.storageBuffer16BitAccess, "16-bit storage");
    if (features12.shaderFloat16) {
        caps->features |= LW_FEATURE_FLOAT16;
    }
}

static void measure_properties(
    const struct lw_instance *instance, struct lw_physical_device *device)
{
    struct lw_caps *caps = &device->caps;
    bool size_control = (caps->features & LW_FEATURE_SUBGROUP_SIZE_CONTROL) != 0;
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
        .pNext = size_control ? &sizes : NULL};
    VkPhysicalDeviceMaintenance3Properties maintenance = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &driver};
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, .pNext = &maintenance};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};
    instance->vulkan.GetPhysicalDeviceProperties2(device->handle, &properties);
    const VkPhysicalDeviceProperties *base = &properties.properties;
    snprintf(caps->name, sizeof caps->name, "%s", base->deviceName);
    snprintf(caps->driver, sizeof caps->driver, "%s %s", driver.driverName, driver.driverInfo);
    caps->kind = base->deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU     ? LW_DEVICE_DISCRETE
                 : base->deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? LW_DEVICE_INTEGRATED
                 : base->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU            ? LW_DEVICE_CPU
                                                                              : LW_DEVICE_OTHER;
    if (caps->kind == LW_DEVICE_CPU) {
        caps->features |= LW_FEATURE_CPU;
    }
    caps->vulkan_version = base->apiVersion;
    caps->max_allocation = maintenance.maxMemoryAllocationSize;
    caps->subgroup_size = subgroup.subgroupSize;
    caps->min_subgroup_size = size_control ? sizes.minSubgroupSize : subgroup.subgroupSize;
    caps->max_subgroup_size = size_control ? sizes.maxSubgroupSize : subgroup.subgroupSize;
    caps->shared_memory = base->limits.maxComputeSharedMemorySize;
    caps->max_group_count = base->limits.maxComputeWorkGroupCount[0];
    caps->max_group_size = base->limits.maxComputeWorkGroupInvocations;
    caps->timestamp_period = base->limits.timestampPeriod;
    memcpy(caps->cache_uuid, base->pipelineCacheUUID, sizeof caps->cache_uuid);
}

static void measure_memory(const struct lw_instance *instance, struct lw_physical_device *device)
{
    struct lw_caps *caps = &device->caps;
    bool has_budget = (caps->features & LW_FEATURE_MEMORY_BUDGET) != 0;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
        .pNext = has_budget ? &budget : NULL};
    instance->vulkan.GetPhysicalDeviceMemoryProperties2(device->handle, &memory);
    const VkPhysicalDeviceMemoryProperties *base = &memory.memoryProperties;
    uint32_t local_heap = 0;
    for (uint32_t heap = 0; heap < base->memoryHeapCount; heap++) {
        bool local = (base->memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0;
        if (local && base->memoryHeaps[heap].size > caps->memory_total) {
            caps->memory_total = base->memoryHeaps[heap].size;
            local_heap = heap;
        }
    }
    if (has_budget && budget.heapBudget[local_heap] > budget.heapUsage[local_heap]) {
        caps->memory_free = budget.heapBudget[local_heap] - budget.heapUsage[local_heap];
    }
    if (base->memoryHeapCount == 1 && caps->kind != LW_DEVICE_DISCRETE) {
        caps->features |= LW_FEATURE_UNIFIED_MEMORY;
    }
}

static void pick_queue_family(const struct lw_instance *instance, struct lw_physical_device *device)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    instance->vulkan.GetPhysicalDeviceQueueFamilyProperties(device->handle, &count, families);
    device->queue_family = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        bool compute = (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
        bool graphics = (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0;
        // A family for compute alone keeps the desktop responsive; any other is second best.
        if (compute && (device->queue_family == UINT32_MAX || !graphics)) {
            device->queue_family = i;
            device->caps.timestamp_bits = families[i].timestampValidBits;
        }
        if (compute && !graphics) {
            break;
        }
    }
    if (!device->caps.timestamp_bits) {
        device->caps.timestamp_period = 0;
    }
    require(&device->caps, device->queue_family != UINT32_MAX, "a compute queue");
}

void lw_caps_measure(const struct lw_instance *instance, struct lw_physical_device *device)
{
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    instance->vulkan.GetPhysicalDeviceProperties2(device->handle, &properties);
    if (properties.properties.apiVersion < VK_API_VERSION_1_2) {
        snprintf(
            device->caps.name, sizeof device->caps.name, "%s", properties.properties.deviceName);
        require(&device->caps, false, "Vulkan 1.2");
        return;
    }
    measure_extensions(instance, device);
    measure_features(instance, device);
    measure_properties(instance, device);
    lw_caps_measure_matrices(instance, device);
    measure_memory(instance, device);
    pick_queue_family(instance, device);
}
