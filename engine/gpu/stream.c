// SPDX-License-Identifier: Apache-2.0
// Recording and submitting command buffers. See stream.h.
#include "engine/gpu/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/arena_private.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/hazard.h"
#include "engine/gpu/pipeline.h"
#include "engine/gpu/profile_private.h"

struct lw_stream {
    struct lw_device *device;
    const char *name;
    struct lw_error error; // the first failure of recording
    VkCommandBuffer *commands;
    size_t command_count, command_capacity;
    bool recording; // the last command buffer is open
    struct lw_hazards hazards;
    struct lw_stream_profile *profile; // NULL unless the device profiles
};

static void full_barrier(struct lw_stream *stream)
{
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
    VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    stream->device->vulkan.CmdPipelineBarrier(stream->commands[stream->command_count - 1], stages,
        stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}

static void begin_commands(struct lw_stream *stream)
{
    struct lw_device *device = stream->device;
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = device->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1};
    if (!lw_reserve(&stream->commands, &stream->command_capacity, stream->command_count + 1,
            sizeof *stream->commands, &stream->error)) {
        return;
    }
    VkCommandBuffer *commands = &stream->commands[stream->command_count];
    VkResult result = device->vulkan.AllocateCommandBuffers(device->handle, &allocate, commands);
    if (result != VK_SUCCESS) {
        lw_fail_vulkan(&stream->error, "allocating a command buffer", result);
        return;
    }
    stream->command_count++;
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT};
    result = device->vulkan.BeginCommandBuffer(*commands, &begin);
    if (result != VK_SUCCESS) {
        lw_fail_vulkan(&stream->error, "recording", result);
        return;
    }
    stream->recording = true;
    stream->hazards.count = 0;
    // Whatever was submitted before, in this stream or another, is finished and visible.
    full_barrier(stream);
}

static void end_commands(struct lw_stream *stream)
{
    if (!stream->recording) {
        return;
    }
    // What the device wrote becomes visible to the host that waits for the timeline.
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    VkCommandBuffer commands = stream->commands[stream->command_count - 1];
    stream->device->vulkan.CmdPipelineBarrier(commands,
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
    VkResult result = stream->device->vulkan.EndCommandBuffer(commands);
    if (result != VK_SUCCESS) {
        lw_fail_vulkan(&stream->error, "recording", result);
    }
    stream->recording = false;
}

// The open command buffer with a barrier if the accesses need one; NULL after a failure.
static VkCommandBuffer prepare(
    struct lw_stream *stream, const struct lw_access *accesses, uint32_t count)
{
    if (!stream->recording && stream->error.status == LW_OK) {
        begin_commands(stream);
    }
    if (stream->error.status != LW_OK) {
        return NULL;
    }
    if (lw_hazards_add(&stream->hazards, accesses, count)) {
        full_barrier(stream);
    }
    return stream->commands[stream->command_count - 1];
}

bool lw_stream_create(
    struct lw_stream **out, struct lw_device *device, const char *name, struct lw_error *error)
{
    struct lw_stream *stream = *out = lw_calloc(1, sizeof *stream, error);
    if (!stream) {
        return false;
    }
    stream->device = device;
    stream->name = name;
    if (device->profile && !lw_stream_profile_create(&stream->profile, device, error)) {
        lw_stream_destroy(stream);
        *out = NULL;
        return false;
    }
    return true;
}

void lw_stream_destroy(struct lw_stream *stream)
{
    if (!stream) {
        return;
    }
    end_commands(stream);
    struct lw_device *device = stream->device;
    if (stream->command_count) {
        device->vulkan.FreeCommandBuffers(
            device->handle, device->pool, (uint32_t)stream->command_count, stream->commands);
    }
    lw_stream_profile_destroy(stream->profile);
    lw_free(stream->commands);
    lw_free(stream);
}

struct lw_device *lw_stream_device(const struct lw_stream *stream)
{
    return stream->device;
}

void lw_stream_dispatch(struct lw_stream *stream, const struct lw_dispatch *dispatch)
{
    const uint32_t *groups = dispatch->groups;
    if (!groups[0] || !groups[1] || !groups[2]) {
        return;
    }
    VkCommandBuffer commands = prepare(stream, dispatch->accesses, dispatch->access_count);
    VkPipeline pipeline;
    struct lw_pipelines *pipelines = stream->device->pipelines;
    struct lw_pipeline_key key = {.kernel = dispatch->kernel,
        .subgroup_size = dispatch->subgroup_size,
        .constant_count = dispatch->constant_count};
    memcpy(key.constants, dispatch->constants, dispatch->constant_count * sizeof *key.constants);
    if (!commands || !lw_pipelines_get(pipelines, &key, &pipeline, &stream->error)) {
        return;
    }
    const struct lw_vulkan_device *vulkan = &stream->device->vulkan;
    vulkan->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vulkan->CmdPushConstants(commands, lw_pipelines_layout(pipelines), VK_SHADER_STAGE_COMPUTE_BIT,
        0, (uint32_t)lw_kernel_rows[dispatch->kernel].args_size, dispatch->args);
    bool timed = stream->profile &&
                 lw_stream_profile_begin(stream->profile, commands, dispatch, &stream->error);
    vulkan->CmdDispatch(commands, groups[0], groups[1], groups[2]);
    if (timed) {
        lw_stream_profile_end(stream->profile, commands);
        full_barrier(stream); // or the next dispatch would overlap this one's time
    }
}

void lw_stream_fill(struct lw_stream *stream, const struct lw_buffer *buffer, uint32_t word)
{
    struct lw_access access = {buffer->address, buffer->size, true};
    VkCommandBuffer commands = prepare(stream, &access, 1);
    if (commands && buffer->size >= 4) {
        stream->device->vulkan.CmdFillBuffer(
            commands, buffer->block->handle, buffer->offset, buffer->size / 4 * 4, word);
    }
}

void lw_stream_copy(
    struct lw_stream *stream, const struct lw_buffer *from, const struct lw_buffer *to)
{
    uint64_t size = from->size < to->size ? from->size : to->size;
    struct lw_access accesses[] = {{from->address, size, false}, {to->address, size, true}};
    VkCommandBuffer commands = prepare(stream, accesses, 2);
    if (commands && size) {
        VkBufferCopy region = {from->offset, to->offset, size};
        stream->device->vulkan.CmdCopyBuffer(
            commands, from->block->handle, to->block->handle, 1, &region);
    }
}

void lw_stream_cut(struct lw_stream *stream)
{
    end_commands(stream);
}

void lw_stream_fail(struct lw_stream *stream, enum lw_status status, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    lw_fail(&stream->error, status, "%s", message);
}

bool lw_stream_end(struct lw_stream *stream, struct lw_error *error)
{
    end_commands(stream);
    if (stream->error.status != LW_OK) {
        return lw_fail(
            error, stream->error.status, "recording %s: %s", stream->name, stream->error.message);
    }
    return true;
}

bool lw_stream_submit(struct lw_stream *stream, uint64_t *ticket, struct lw_error *error)
{
    struct lw_device *device = stream->device;
    for (size_t i = 0; i < stream->command_count; i++) {
        uint64_t value = device->submitted + 1;
        VkTimelineSemaphoreSubmitInfo timeline = {
            .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
            .signalSemaphoreValueCount = 1,
            .pSignalSemaphoreValues = &value};
        VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
            .pNext = &timeline,
            .commandBufferCount = 1,
            .pCommandBuffers = &stream->commands[i],
            .signalSemaphoreCount = 1,
            .pSignalSemaphores = &device->timeline};
        VkResult result = device->vulkan.QueueSubmit(device->queue, 1, &info, VK_NULL_HANDLE);
        if (result != VK_SUCCESS) {
            return lw_fail_vulkan(error, stream->name, result);
        }
        device->submitted = value;
    }
    if (ticket) {
        *ticket = device->submitted;
    }
    return true;
}

void lw_stream_collect_profile(struct lw_stream *stream)
{
    if (stream->profile) {
        lw_stream_profile_collect(stream->profile);
    }
}

void lw_dispatch_linear(struct lw_dispatch *dispatch, uint64_t count)
{
    const uint64_t widest = 65535;
    uint64_t rows = (count + widest - 1) / widest;
    dispatch->groups[0] = (uint32_t)(rows ? (count + rows - 1) / rows : 0);
    dispatch->groups[1] = (uint32_t)(rows ? rows : 1);
    dispatch->groups[2] = 1;
}
