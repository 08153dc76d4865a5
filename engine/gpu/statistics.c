// SPDX-License-Identifier: Apache-2.0
// Reads VK_KHR_pipeline_executable_properties. Each driver has its own names for the same things;
// they are rows of one table. See statistics.h.
#include "engine/gpu/statistics.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/pipeline.h"

// What a driver's statistics count towards; where several do, the figure is their sum.
static const struct {
    const char *name; // as the driver spells it
    size_t figure;    // offset in struct lw_pipeline_statistics
} figures[] = {
#define FIGURE(name) offsetof(struct lw_pipeline_statistics, name)
    // RADV
    {"VGPRs", FIGURE(registers)},
    {"LDS size", FIGURE(shared_memory)},
    {"Subgroups per SIMD", FIGURE(occupancy)},
    {"Spilled SGPRs", FIGURE(moves)},
    {"Spilled VGPRs", FIGURE(spills)},
    {"Scratch size", FIGURE(scratch)},
    // NVK
    {"Number of GPRs", FIGURE(registers)},
    {"Max warps/SM", FIGURE(occupancy)},
    {"Spills to memory", FIGURE(spills)},
    {"Fills from memory", FIGURE(spills)},
    {"Spills to reg", FIGURE(moves)},
    {"SLM size", FIGURE(scratch)},
    // ANV
    {"Max live registers", FIGURE(registers)},
    {"Workgroup Memory Size", FIGURE(shared_memory)},
    {"Spills", FIGURE(spills)},
    {"Fills", FIGURE(spills)},
    {"Scratch Memory Size", FIGURE(scratch)},
#undef FIGURE
};

static int64_t value_of(const VkPipelineExecutableStatisticKHR *statistic)
{
    switch (statistic->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return statistic->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (int64_t)statistic->value.u64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
        return (int64_t)statistic->value.f64;
    default:
        return statistic->value.b32;
    }
}

static void add_statistic(
    struct lw_pipeline_statistics *statistics, const VkPipelineExecutableStatisticKHR *statistic)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (!strcmp(statistic->name, figures[i].name)) {
            int64_t *figure = (int64_t *)((char *)statistics + figures[i].figure);
            *figure = (*figure == LW_STATISTIC_UNKNOWN ? 0 : *figure) + value_of(statistic);
        }
    }
}

// A compute pipeline is one executable, number 0, where the driver tells of it at all.
static bool read_statistics(const struct lw_device *device, VkPipeline pipeline,
    struct lw_pipeline_statistics *statistics, struct lw_error *error)
{
    PFN_vkGetPipelineExecutableStatisticsKHR get =
        (PFN_vkGetPipelineExecutableStatisticsKHR)device->instance->vulkan.GetDeviceProcAddr(
            device->handle, "vkGetPipelineExecutableStatisticsKHR");
    VkPipelineExecutableInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
    uint32_t count = 0;
    if (!device->statistics || !get || get(device->handle, &info, &count, NULL) != VK_SUCCESS ||
        !count) {
        return lw_fail(error, LW_FAILED, "the driver of %s keeps no statistics of its compiler",
            device->caps.name);
    }
    VkPipelineExecutableStatisticKHR *rows = lw_calloc(count, sizeof *rows, error);
    if (!rows) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        rows[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    }
    VkResult result = get(device->handle, &info, &count, rows);
    for (uint32_t i = 0; result == VK_SUCCESS && i < count; i++) {
        add_statistic(statistics, &rows[i]);
    }
    lw_free(rows);
    return result == VK_SUCCESS || lw_fail_vulkan(error, "asking for statistics", result);
}

size_t lw_device_pipeline_count(const struct lw_device *device)
{
    return lw_pipelines_count(device->pipelines);
}

bool lw_device_pipeline_statistics(const struct lw_device *device, size_t index,
    struct lw_pipeline_statistics *statistics, struct lw_error *error)
{
    VkPipeline pipeline;
    const struct lw_pipeline_key *key = lw_pipelines_at(device->pipelines, index, &pipeline);
    *statistics = (struct lw_pipeline_statistics){.kernel = key->kernel,
        .subgroup_size = key->subgroup_size,
        .constant_count = key->constant_count,
        .registers = LW_STATISTIC_UNKNOWN,
        .shared_memory = LW_STATISTIC_UNKNOWN,
        .occupancy = LW_STATISTIC_UNKNOWN,
        .spills = LW_STATISTIC_UNKNOWN,
        .moves = LW_STATISTIC_UNKNOWN,
        .scratch = LW_STATISTIC_UNKNOWN};
    memcpy(statistics->constants, key->constants, sizeof key->constants);
    return read_statistics(device, pipeline, statistics, error) ||
           lw_fail_in(error, "kernel %s", lw_kernel_rows[key->kernel].name);
}
