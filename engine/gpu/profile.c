// SPDX-License-Identifier: Apache-2.0
// Timestamps around every dispatch of a profiled stream. See profile.h.
#include "engine/gpu/profile_private.h"

#include "engine/base/alloc.h"
#include "engine/gpu/device_private.h"

// Dispatches per query pool; a stream takes as many pools as it needs.
#define POOL_DISPATCHES 256u

struct lw_stream_profile {
    struct lw_device *device;
    VkQueryPool *pools;
    size_t pool_count, pool_capacity;
    struct lw_timed_dispatch *dispatches;
    size_t dispatch_count, dispatch_capacity;
};

const struct lw_profile_row *lw_device_profile(
    const struct lw_device *device, enum lw_kernel_id kernel)
{
    return device->profile ? &device->profile->rows[kernel] : NULL;
}

bool lw_stream_profile_create(
    struct lw_stream_profile **profile, struct lw_device *device, struct lw_error *error)
{
    *profile = lw_calloc(1, sizeof **profile, error);
    if (*profile) {
        (*profile)->device = device;
    }
    return *profile != NULL;
}

void lw_stream_profile_destroy(struct lw_stream_profile *profile)
{
    if (!profile) {
        return;
    }
    struct lw_device *device = profile->device;
    for (size_t i = 0; i < profile->pool_count; i++) {
        device->vulkan.DestroyQueryPool(device->handle, profile->pools[i], NULL);
    }
    lw_free(profile->pools);
    lw_free(profile->dispatches);
    lw_free(profile);
}

static bool add_pool(struct lw_stream_profile *profile, struct lw_error *error)
{
    struct lw_device *device = profile->device;
    if (!lw_reserve(&profile->pools, &profile->pool_capacity, profile->pool_count + 1,
            sizeof *profile->pools, error)) {
        return false;
    }
    VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = POOL_DISPATCHES * 2};
    VkResult result = device->vulkan.CreateQueryPool(
        device->handle, &info, NULL, &profile->pools[profile->pool_count]);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating a query pool", result);
    }
    profile->pool_count++;
    return true;
}

bool lw_stream_profile_begin(struct lw_stream_profile *profile, VkCommandBuffer commands,
    const struct lw_timed_dispatch *dispatch, struct lw_error *error)
{
    struct lw_device *device = profile->device;
    size_t index = profile->dispatch_count;
    if (!lw_reserve(&profile->dispatches, &profile->dispatch_capacity, index + 1,
            sizeof *profile->dispatches, error) ||
        (index / POOL_DISPATCHES >= profile->pool_count && !add_pool(profile, error))) {
        return false;
    }
    profile->dispatches[index] = *dispatch;
    profile->dispatch_count++;
    VkQueryPool pool = profile->pools[index / POOL_DISPATCHES];
    uint32_t query = (uint32_t)(index % POOL_DISPATCHES) * 2;
    device->vulkan.CmdResetQueryPool(commands, pool, query, 2);
    device->vulkan.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, pool, query);
    return true;
}

void lw_stream_profile_end(struct lw_stream_profile *profile, VkCommandBuffer commands)
{
    size_t index = profile->dispatch_count - 1;
    profile->device->vulkan.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
        profile->pools[index / POOL_DISPATCHES], (uint32_t)(index % POOL_DISPATCHES) * 2 + 1);
}

void lw_stream_profile_collect(struct lw_stream_profile *profile)
{
    struct lw_device *device = profile->device;
    for (size_t i = 0; i < profile->dispatch_count; i++) {
        uint64_t ticks[2];
        VkResult result = device->vulkan.GetQueryPoolResults(device->handle,
            profile->pools[i / POOL_DISPATCHES], (uint32_t)(i % POOL_DISPATCHES) * 2, 2,
            sizeof ticks, ticks, sizeof *ticks, VK_QUERY_RESULT_64_BIT);
        if (result != VK_SUCCESS) {
            continue;
        }
        const struct lw_timed_dispatch *dispatch = &profile->dispatches[i];
        struct lw_profile_row *row = &device->profile->rows[dispatch->kernel];
        row->calls += dispatch->calls;
        row->seconds += (double)(ticks[1] - ticks[0]) * device->caps.timestamp_period * 1e-9;
        row->bytes += dispatch->bytes;
        row->flops += dispatch->flops;
    }
}
