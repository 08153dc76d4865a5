// SPDX-License-Identifier: Apache-2.0
// Pipelines by kernel and constants, made on first use, and the driver's cache of them on disk.
// See kernel.h and pipeline.h.
#include "engine/gpu/pipeline.h"

#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "engine/gpu/device_private.h"
#include "shaders/include/args.h"

struct pipeline {
    struct lw_pipeline_key key;
    VkPipeline handle;
};

struct lw_pipelines {
    struct lw_device *device;
    VkPipelineLayout layout;
    VkPipelineCache cache;
    char *cache_file; // NULL: none
    size_t loaded_size;
    struct pipeline *items;
    size_t count, capacity;
};

// The cache's file: one per device and driver, named by the driver's own cache identity.
static char *cache_file_name(
    const struct lw_device *device, const char *folder, struct lw_error *error)
{
    struct lw_string name = {0};
    lw_string_addf(&name, error, "%s/pipelines-", folder);
    for (size_t i = 0; i < sizeof device->caps.cache_uuid; i++) {
        lw_string_addf(&name, error, "%02x", device->caps.cache_uuid[i]);
    }
    return name.data;
}

static bool create_cache(struct lw_pipelines *pipelines, const char *folder, struct lw_error *error)
{
    struct lw_device *device = pipelines->device;
    char *kept = NULL;
    size_t kept_size = 0;
    if (folder) {
        pipelines->cache_file = cache_file_name(device, folder, error);
        if (!pipelines->cache_file) {
            return false;
        }
        // A missing or unreadable cache costs compile time, nothing else.
        lw_file_read_whole(pipelines->cache_file, (size_t)1 << 30, &kept, &kept_size, NULL);
        pipelines->loaded_size = kept_size;
    }
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = kept_size,
        .pInitialData = kept};
    VkResult result =
        device->vulkan.CreatePipelineCache(device->handle, &info, NULL, &pipelines->cache);
    lw_free(kept);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating the pipeline cache", result);
    }
    return true;
}

bool lw_pipelines_create(struct lw_pipelines **out, struct lw_device *device,
    const char *cache_folder, struct lw_error *error)
{
    struct lw_pipelines *pipelines = *out = lw_calloc(1, sizeof *pipelines, error);
    if (!pipelines) {
        return false;
    }
    pipelines->device = device;
    VkPushConstantRange range = {
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = LW_PUSH_CONSTANT_BYTES};
    VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range};
    VkResult result =
        device->vulkan.CreatePipelineLayout(device->handle, &info, NULL, &pipelines->layout);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating the pipeline layout", result);
    }
    return create_cache(pipelines, cache_folder, error);
}

static void save_cache(const struct lw_pipelines *pipelines)
{
    const struct lw_device *device = pipelines->device;
    size_t size = 0;
    device->vulkan.GetPipelineCacheData(device->handle, pipelines->cache, &size, NULL);
    if (!pipelines->cache_file || size <= pipelines->loaded_size) {
        return;
    }
    void *data = lw_calloc(size, 1, NULL);
    struct lw_error error = {0};
    if (data &&
        device->vulkan.GetPipelineCacheData(device->handle, pipelines->cache, &size, data) ==
            VK_SUCCESS &&
        !lw_file_write_whole(pipelines->cache_file, data, size, &error)) {
        lw_log(device->log, LW_LOG_DEBUG, "compiled kernels are not kept: %s", error.message);
    }
    lw_free(data);
}

void lw_pipelines_destroy(struct lw_pipelines *pipelines)
{
    if (!pipelines) {
        return;
    }
    struct lw_device *device = pipelines->device;
    if (pipelines->cache) {
        save_cache(pipelines);
    }
    for (size_t i = 0; i < pipelines->count; i++) {
        device->vulkan.DestroyPipeline(device->handle, pipelines->items[i].handle, NULL);
    }
    device->vulkan.DestroyPipelineCache(device->handle, pipelines->cache, NULL);
    device->vulkan.DestroyPipelineLayout(device->handle, pipelines->layout, NULL);
    lw_free(pipelines->items);
    lw_free(pipelines->cache_file);
    lw_free(pipelines);
}

static bool create_module(struct lw_device *device, const struct lw_kernel_row *row,
    VkShaderModule *module, struct lw_error *error)
{
    uint32_t *code = lw_calloc(row->size, 1, error);
    if (!code) {
        return false;
    }
    size_t size = ZSTD_decompress(code, row->size, row->spirv, row->compressed_size);
    VkResult result = VK_ERROR_UNKNOWN;
    if (!ZSTD_isError(size) && size == row->size) {
        VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
            .codeSize = row->size,
            .pCode = code};
        result = device->vulkan.CreateShaderModule(device->handle, &info, NULL, module);
    }
    lw_free(code);
    return result == VK_SUCCESS || lw_fail_vulkan(error, "loading the kernel", result);
}

// Invocations of a vector on processors, for kernel.glsl. Lavapipe makes loads of vectors there from
// Mesa 26.1 on, which reports 1.4.354; Mesa 22.3 takes minutes to compile them.
static uint32_t lanes_of(const struct lw_caps *caps)
{
    bool chooses = (caps->features & LW_FEATURE_CPU) &&
                   caps->vulkan_version >= VK_MAKE_API_VERSION(0, 1, 4, 350) &&
                   caps->subgroup_size <= LW_MOST_LANES;
    return chooses ? caps->subgroup_size : 0;
}

static bool create_pipeline(
    struct lw_pipelines *pipelines, struct pipeline *pipeline, struct lw_error *error)
{
    struct lw_device *device = pipelines->device;
    const struct lw_pipeline_key *key = &pipeline->key;
    const struct lw_kernel_row *row = &lw_kernel_rows[key->kernel];
    VkShaderModule module;
    if (!create_module(device, row, &module, error)) {
        return lw_fail_in(error, "kernel %s", row->name);
    }
    VkSpecializationMapEntry entries[LW_KERNEL_CONSTANTS + 1];
    uint32_t constants[LW_KERNEL_CONSTANTS + 1];
    memcpy(constants, key->constants, sizeof key->constants);
    constants[key->constant_count] = lanes_of(&device->caps);
    entries[key->constant_count] = (VkSpecializationMapEntry){.constantID = LW_CONSTANT_LANES,
        .offset = key->constant_count * 4,
        .size = sizeof(uint32_t)};
    for (uint32_t i = 0; i < key->constant_count; i++) {
        entries[i] =
            (VkSpecializationMapEntry){.constantID = i, .offset = i * 4, .size = sizeof(uint32_t)};
    }
    VkSpecializationInfo specialization = {.mapEntryCount = key->constant_count + 1,
        .pMapEntries = entries,
        .dataSize = (key->constant_count + 1) * sizeof(uint32_t),
        .pData = constants};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = key->subgroup_size};
    bool sized = key->subgroup_size != 0;
    VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = (device->statistics ? VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR : 0) |
                 (key->divided ? VK_PIPELINE_CREATE_DISPATCH_BASE_BIT : 0),
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .pNext = sized ? &subgroup : NULL,
            .flags = sized ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
            .pSpecializationInfo = &specialization},
        .layout = pipelines->layout};
    VkResult result = device->vulkan.CreateComputePipelines(
        device->handle, pipelines->cache, 1, &info, NULL, &pipeline->handle);
    device->vulkan.DestroyShaderModule(device->handle, module, NULL);
    if (result != VK_SUCCESS) {
        lw_fail_vulkan(error, "compiling", result);
        return lw_fail_in(error, "kernel %s", row->name);
    }
    return true;
}

static bool same_key(const struct lw_pipeline_key *left, const struct lw_pipeline_key *right)
{
    return left->kernel == right->kernel && left->subgroup_size == right->subgroup_size &&
           left->constant_count == right->constant_count && left->divided == right->divided &&
           !memcmp(left->constants, right->constants, sizeof left->constants);
}

bool lw_pipelines_get(struct lw_pipelines *pipelines, const struct lw_pipeline_key *key,
    VkPipeline *handle, struct lw_error *error)
{
    for (size_t i = 0; i < pipelines->count; i++) {
        if (same_key(&pipelines->items[i].key, key)) {
            *handle = pipelines->items[i].handle;
            return true;
        }
    }
    struct pipeline wanted = {.key = *key};
    if (!lw_reserve(&pipelines->items, &pipelines->capacity, pipelines->count + 1,
            sizeof *pipelines->items, error) ||
        !create_pipeline(pipelines, &wanted, error)) {
        return false;
    }
    pipelines->items[pipelines->count++] = wanted;
    *handle = wanted.handle;
    return true;
}

size_t lw_pipelines_count(const struct lw_pipelines *pipelines)
{
    return pipelines->count;
}

const struct lw_pipeline_key *lw_pipelines_at(
    const struct lw_pipelines *pipelines, size_t index, VkPipeline *pipeline)
{
    *pipeline = pipelines->items[index].handle;
    return &pipelines->items[index].key;
}

VkPipelineLayout lw_pipelines_layout(const struct lw_pipelines *pipelines)
{
    return pipelines->layout;
}
