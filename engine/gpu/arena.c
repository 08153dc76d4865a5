// SPDX-License-Identifier: Apache-2.0
// Blocks of device memory and their pieces. See arena.h.
#include "engine/gpu/arena.h"

#include <assert.h>

#include "engine/base/alloc.h"
#include "engine/gpu/arena_private.h"
#include "engine/gpu/device_private.h"

#define BLOCK_BYTES ((uint64_t)1 << 30)
#define GUARD_BYTES ((uint64_t)1 << 16)
#define PIECE_ALIGNMENT 256u

struct lw_arena {
    struct lw_device *device;
    const char *name;
    enum lw_memory memory;
    uint64_t expected, handed_out;
    struct lw_block *blocks; // the newest first
};

static uint64_t align(uint64_t size)
{
    return (size + PIECE_ALIGNMENT - 1) / PIECE_ALIGNMENT * PIECE_ALIGNMENT;
}

// The memory type with all of `wanted`, else with all of `needed`; UINT32_MAX when there is none.
static uint32_t find_memory_type(const struct lw_device *device, uint32_t allowed,
    VkMemoryPropertyFlags needed, VkMemoryPropertyFlags wanted)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = device->memory.memoryTypeCount; i-- > 0;) {
        VkMemoryPropertyFlags flags = device->memory.memoryTypes[i].propertyFlags;
        if (!(allowed & 1u << i) || (flags & needed) != needed) {
            continue;
        }
        bool found_wanted = found != UINT32_MAX &&
                            (device->memory.memoryTypes[found].propertyFlags & wanted) == wanted;
        if ((flags & wanted) == wanted || !found_wanted) {
            found = i;
        }
    }
    return found;
}

static bool allocate_memory(struct lw_arena *arena, struct lw_block *block, struct lw_error *error)
{
    struct lw_device *device = arena->device;
    VkMemoryRequirements requirements;
    device->vulkan.GetBufferMemoryRequirements(device->handle, block->handle, &requirements);
    VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    bool on_host = arena->memory == LW_MEMORY_HOST;
    bool unified = (device->caps.features & LW_FEATURE_UNIFIED_MEMORY) != 0;
    bool mapped = on_host || unified;
    VkMemoryPropertyFlags needed = on_host ? host : unified ? host | local : local;
    VkMemoryPropertyFlags wanted = needed | (on_host ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0);
    uint32_t type = find_memory_type(device, requirements.memoryTypeBits, needed, wanted);
    if (type == UINT32_MAX) {
        return lw_fail(error, LW_NO_RESOURCE, "the device has no memory type for %s", arena->name);
    }
    VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = requirements.size,
        .memoryTypeIndex = type};
    VkResult result = device->vulkan.AllocateMemory(device->handle, &info, NULL, &block->memory);
    if (result == VK_SUCCESS) {
        result = device->vulkan.BindBufferMemory(device->handle, block->handle, block->memory, 0);
    }
    if (result == VK_SUCCESS && mapped) {
        result = device->vulkan.MapMemory(
            device->handle, block->memory, 0, VK_WHOLE_SIZE, 0, &block->mapped);
    }
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "allocating memory", result);
    }
    VkBufferDeviceAddressInfo address = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = block->handle};
    block->address = device->vulkan.GetBufferDeviceAddress(device->handle, &address);
    return true;
}

static void destroy_block(struct lw_device *device, struct lw_block *block)
{
    device->vulkan.DestroyBuffer(device->handle, block->handle, NULL);
    device->vulkan.FreeMemory(device->handle, block->memory, NULL);
    lw_free(block);
}

static bool check_room(const struct lw_arena *arena, uint64_t bytes, struct lw_error *error)
{
    const struct lw_device *device = arena->device;
    const double mib = 1 << 20;
    if (bytes > device->caps.max_allocation) {
        return lw_fail(error, LW_NO_RESOURCE,
            "%s: one tensor of %.1f MiB is more than the driver of %s allocates at once "
            "(%.1f MiB)",
            arena->name, (double)bytes / mib, device->caps.name,
            (double)device->caps.max_allocation / mib);
    }
    bool unified = (device->caps.features & LW_FEATURE_UNIFIED_MEMORY) != 0;
    if (arena->memory == LW_MEMORY_HOST && !unified) {
        return true; // not the device's heap
    }
    uint64_t available = lw_device_memory_free(device);
    if (bytes > available) {
        return lw_fail(error, LW_NO_RESOURCE,
            "%s: %.1f MiB more are needed and %s has %.1f MiB free; %.1f MiB are missing",
            arena->name, (double)bytes / mib, device->caps.name, (double)available / mib,
            (double)(bytes - available) / mib);
    }
    return true;
}

static bool add_block(struct lw_arena *arena, uint64_t size, struct lw_error *error)
{
    struct lw_device *device = arena->device;
    uint64_t limit = device->caps.max_allocation - GUARD_BYTES;
    limit = limit < BLOCK_BYTES ? limit : BLOCK_BYTES;
    uint64_t rest = arena->expected > arena->handed_out ? arena->expected - arena->handed_out : 0;
    rest = rest < limit ? rest : limit;
    uint64_t bytes = size > rest ? size : rest;
    if (!check_room(arena, bytes + GUARD_BYTES, error)) {
        return false;
    }
    struct lw_block *block = lw_calloc(1, sizeof *block, error);
    if (!block) {
        return false;
    }
    block->size = bytes;
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = bytes + GUARD_BYTES,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkResult result = device->vulkan.CreateBuffer(device->handle, &info, NULL, &block->handle);
    if (result != VK_SUCCESS) {
        lw_fail_vulkan(error, "creating a buffer", result);
    }
    if (result != VK_SUCCESS || !allocate_memory(arena, block, error)) {
        destroy_block(device, block);
        return lw_fail_in(error, "%s: %llu bytes", arena->name, (unsigned long long)bytes);
    }
    device->memory_held += bytes + GUARD_BYTES;
    block->next = arena->blocks;
    arena->blocks = block;
    return true;
}

bool lw_arena_create(struct lw_arena **out, struct lw_device *device,
    const struct lw_arena_params *params, struct lw_error *error)
{
    struct lw_arena *arena = *out = lw_calloc(1, sizeof *arena, error);
    if (!arena) {
        return false;
    }
    arena->device = device;
    arena->name = params->name;
    arena->memory = params->memory;
    arena->expected = params->expected;
    return true;
}

void lw_arena_destroy(struct lw_arena *arena)
{
    if (!arena) {
        return;
    }
    arena->device->memory_held -= lw_arena_size(arena);
    for (struct lw_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        destroy_block(arena->device, block);
    }
    lw_free(arena);
}

bool lw_arena_allocate(
    struct lw_arena *arena, uint64_t size, struct lw_buffer *buffer, struct lw_error *error)
{
    uint64_t bytes = align(size ? size : 1);
    struct lw_block *block = arena->blocks;
    while (block && block->size - block->used < bytes) {
        block = block->next;
    }
    if (!block) {
        if (!add_block(arena, bytes, error)) {
            return false;
        }
        block = arena->blocks;
    }
    *buffer = (struct lw_buffer){.address = block->address + block->used,
        .size = size,
        .mapped = block->mapped ? (char *)block->mapped + block->used : NULL,
        .block = block,
        .offset = block->used};
    block->used += bytes;
    arena->handed_out += bytes;
    return true;
}

uint64_t lw_arena_size(const struct lw_arena *arena)
{
    uint64_t size = 0;
    for (const struct lw_block *block = arena->blocks; block; block = block->next) {
        size += block->size + GUARD_BYTES;
    }
    return size;
}

struct lw_buffer lw_arena_find(const struct lw_arena *arena, uint64_t address, uint64_t size)
{
    struct lw_block *block = arena->blocks;
    while (block && (address < block->address || address >= block->address + block->size)) {
        block = block->next;
    }
    assert(block);
    const struct lw_buffer whole = {block->address, block->size, block->mapped, block, 0};
    return lw_buffer_part(&whole, address - block->address, size);
}

struct lw_buffer lw_buffer_part(const struct lw_buffer *buffer, uint64_t offset, uint64_t size)
{
    return (struct lw_buffer){.address = buffer->address + offset,
        .size = size,
        .mapped = buffer->mapped ? (char *)buffer->mapped + offset : NULL,
        .block = buffer->block,
        .offset = buffer->offset + offset};
}
