// SPDX-License-Identifier: Apache-2.0
// See program.h.
#include "engine/gpu/program.h"

#include "engine/base/alloc.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/profile_private.h"
#include "engine/gpu/submission.h"

struct lw_program {
    struct lw_device *device;
    struct lw_split split;
    VkCommandBuffer *buffers;          // [split.count]
    double *seconds;                   // [split.count], of the watched run
    uint64_t watched;                  // the last ticket of the run to learn from; 0: none
    uint64_t last;                     // the last ticket of all
    struct lw_stream_profile *profile; // NULL unless the device profiles
};

static void full_barrier(const struct lw_device *device, VkCommandBuffer buffer)
{
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT};
    VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    device->vulkan.CmdPipelineBarrier(buffer, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}

// What the device wrote becomes visible to the host that waits for the timeline.
static void host_barrier(const struct lw_device *device, VkCommandBuffer buffer)
{
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    device->vulkan.CmdPipelineBarrier(buffer,
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

static bool encode_dispatch(struct lw_program *program, VkCommandBuffer buffer,
    const struct lw_command *command, const struct lw_portion *portion, struct lw_error *error)
{
    const struct lw_device *device = program->device;
    const struct lw_vulkan_device *vulkan = &device->vulkan;
    struct lw_pipeline_key key = command->key;
    uint32_t divisions = lw_command_divisions(command);
    unsigned dimension = lw_command_divided_dimension(command);
    key.divided = portion->count < divisions;
    VkPipeline pipeline;
    if (!lw_pipelines_get(device->pipelines, &key, &pipeline, error)) {
        return false;
    }
    vulkan->CmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vulkan->CmdPushConstants(buffer, lw_pipelines_layout(device->pipelines),
        VK_SHADER_STAGE_COMPUTE_BIT, 0, (uint32_t)lw_kernel_rows[key.kernel].args_size,
        command->args);
    double share = (double)portion->count / divisions;
    const struct lw_timed_dispatch timed = {.kernel = key.kernel,
        .calls = portion->first == 0,
        .bytes = command->bytes * share,
        .flops = command->flops * share};
    if (program->profile && !lw_stream_profile_begin(program->profile, buffer, &timed, error)) {
        return false;
    }
    uint32_t base[3] = {0}, groups[] = {command->groups[0], command->groups[1], command->groups[2]};
    base[dimension] = portion->first;
    groups[dimension] = portion->count;
    vulkan->CmdDispatchBase(buffer, base[0], base[1], base[2], groups[0], groups[1], groups[2]);
    if (program->profile) {
        lw_stream_profile_end(program->profile, buffer);
        full_barrier(device, buffer); // or the next dispatch would overlap this one's time
    }
    return true;
}

static bool encode(struct lw_program *program, VkCommandBuffer buffer,
    const struct lw_command *command, const struct lw_portion *portion, struct lw_error *error)
{
    const struct lw_vulkan_device *vulkan = &program->device->vulkan;
    if (command->barrier && portion->first == 0) {
        full_barrier(program->device, buffer);
    }
    if (command->kind == LW_COMMAND_DISPATCH) {
        return encode_dispatch(program, buffer, command, portion, error);
    }
    VkDeviceSize offset = portion->first * LW_PORTION_BYTES;
    VkDeviceSize size = portion->count * LW_PORTION_BYTES;
    size = size < command->size - offset ? size : command->size - offset;
    if (command->kind == LW_COMMAND_FILL) {
        vulkan->CmdFillBuffer(
            buffer, command->to, command->to_offset + offset, size, command->word);
    } else {
        VkBufferCopy region = {command->from_offset + offset, command->to_offset + offset, size};
        vulkan->CmdCopyBuffer(buffer, command->from, command->to, 1, &region);
    }
    return true;
}

// Encodes one piece, whose portions begin at *next, which moves on behind them.
static bool encode_piece(struct lw_program *program, uint32_t piece,
    const struct lw_command *commands, size_t *next, struct lw_error *error)
{
    const struct lw_device *device = program->device;
    const struct lw_split *split = &program->split;
    VkCommandBuffer buffer = program->buffers[piece];
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT};
    VkResult result = device->vulkan.BeginCommandBuffer(buffer, &begin);
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "recording", result);
    }
    if (piece == 0) {
        // Whatever was submitted before, in this stream or another, is finished and visible. Between
        // pieces the commands' own barriers do, because barriers reach over command buffers.
        full_barrier(device, buffer);
    }
    for (; *next < split->portion_count && split->portions[*next].piece == piece; ++*next) {
        const struct lw_portion *portion = &split->portions[*next];
        if (!encode(program, buffer, &commands[portion->command], portion, error)) {
            return false;
        }
    }
    if (piece + 1 == split->count) {
        host_barrier(device, buffer);
    }
    result = device->vulkan.EndCommandBuffer(buffer);
    return result == VK_SUCCESS || lw_fail_vulkan(error, "recording", result);
}

static bool allocate(struct lw_program *program, struct lw_error *error)
{
    struct lw_device *device = program->device;
    uint32_t count = program->split.count;
    VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = device->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = count};
    if (!count) {
        return true;
    }
    program->seconds = lw_calloc(count, sizeof *program->seconds, error);
    program->buffers = lw_calloc(count, sizeof *program->buffers, error);
    if (!program->seconds || !program->buffers) {
        return false;
    }
    VkResult result =
        device->vulkan.AllocateCommandBuffers(device->handle, &info, program->buffers);
    return result == VK_SUCCESS || lw_fail_vulkan(error, "allocating command buffers", result);
}

bool lw_program_create(struct lw_program **out, struct lw_device *device,
    const struct lw_command *commands, size_t count, struct lw_error *error)
{
    *out = NULL;
    struct lw_program *program = lw_calloc(1, sizeof *program, error);
    if (!program) {
        return false;
    }
    program->device = device;
    bool made =
        (!device->profile || lw_stream_profile_create(&program->profile, device, error)) &&
        lw_split_plan(&program->split, commands, count, device->submission_seconds, error) &&
        allocate(program, error);
    size_t next = 0;
    for (uint32_t piece = 0; made && piece < program->split.count; piece++) {
        made = encode_piece(program, piece, commands, &next, error);
    }
    if (!made) {
        lw_program_destroy(program);
        return false;
    }
    *out = program;
    return true;
}

// The times of the last run, which is done.
static void collect_profile(struct lw_program *program)
{
    if (program->profile && program->last) {
        lw_stream_profile_collect(program->profile);
    }
}

void lw_program_destroy(struct lw_program *program)
{
    if (!program) {
        return;
    }
    struct lw_device *device = program->device;
    collect_profile(program);
    if (program->buffers) {
        device->vulkan.FreeCommandBuffers(
            device->handle, device->pool, program->split.count, program->buffers);
    }
    lw_stream_profile_destroy(program->profile);
    lw_split_free(&program->split);
    lw_free(program->buffers);
    lw_free(program->seconds);
    lw_free(program);
}

bool lw_program_submit(struct lw_program *program, const char *name, struct lw_error *error)
{
    struct lw_device *device = program->device;
    if (program->profile && !lw_device_wait(device, program->last, error)) {
        return false;
    }
    collect_profile(program);
    for (uint32_t i = 0; i < program->split.count; i++) {
        if (!lw_submit(device, program->buffers[i], name, error)) {
            return false;
        }
        program->last = device->submitted;
    }
    program->watched = program->watched ? program->watched : program->last;
    return true;
}

bool lw_program_idle(const struct lw_program *program)
{
    return lw_submission_done(program->device, program->last);
}

uint32_t lw_program_pieces(const struct lw_program *program)
{
    return program->split.count;
}

bool lw_program_learn(struct lw_program *program, struct lw_command *commands, double *longest)
{
    uint32_t count = program->split.count;
    *longest = 0;
    if (!program->watched || !lw_submission_done(program->device, program->watched)) {
        return false;
    }
    bool known = true;
    for (uint32_t i = 0; i < count; i++) {
        double *seconds = &program->seconds[i];
        uint64_t ticket = program->watched - count + 1 + i;
        known = lw_submission_seconds(program->device, ticket, seconds) && known;
        *longest = *seconds > *longest ? *seconds : *longest;
    }
    program->watched = 0;
    if (known) {
        lw_split_learn(&program->split, program->seconds, commands);
    }
    return known;
}
