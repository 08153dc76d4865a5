// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the block behind a buffer.
#ifndef LW_GPU_ARENA_PRIVATE_H
#define LW_GPU_ARENA_PRIVATE_H

#include "engine/gpu/arena.h"
#include "engine/gpu/vulkan.h"

struct lw_block {
    VkBuffer handle;
    VkDeviceMemory memory;
    uint64_t address, size, used; // bytes; size without the guard padding
    void *mapped;
    struct lw_block *next;
};

#endif
