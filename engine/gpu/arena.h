// SPDX-License-Identifier: Apache-2.0
// Device memory: an arena hands out pieces of large blocks and frees them all at once. A block is
// at most 1 GiB unless a single piece is larger (drivers fail above 2 or 4), and ends in guard
// padding, because compilers may hoist a load past a loop's last iteration.
#ifndef LW_GPU_ARENA_H
#define LW_GPU_ARENA_H

#include <stdint.h>

#include "engine/gpu/device.h"

enum lw_memory {
    LW_MEMORY_DEVICE, // where kernels are fastest; mapped only on unified memory
    LW_MEMORY_HOST    // always mapped and coherent: what the host writes or reads each step
};

// A piece of an arena. Plain data, valid until the arena is destroyed.
struct lw_buffer {
    uint64_t address; // device address, a multiple of 256
    uint64_t size;    // bytes
    void *mapped;     // host view, or NULL
    struct lw_block *block;
    uint64_t offset; // bytes into the block
};

struct lw_arena;

struct lw_arena_params {
    const char *name;      // in messages: "weights", "activations", ...
    enum lw_memory memory; //
    uint64_t expected;     // bytes that will be asked for in all; 0: not known
};

bool lw_arena_create(struct lw_arena **arena, struct lw_device *device,
    const struct lw_arena_params *params, struct lw_error *error);
void lw_arena_destroy(struct lw_arena *arena);

// A piece of `size` bytes, zeroed only where the driver does so. LW_NO_RESOURCE names the arena
// and what is missing.
bool lw_arena_allocate(
    struct lw_arena *arena, uint64_t size, struct lw_buffer *buffer, struct lw_error *error);

// The bytes that the arena's blocks hold, padding included.
uint64_t lw_arena_size(const struct lw_arena *arena);

// The buffer of `size` bytes at a device address that was handed out by this arena.
struct lw_buffer lw_arena_find(const struct lw_arena *arena, uint64_t address, uint64_t size);

// The part [offset, offset + size) of a buffer, in bytes.
struct lw_buffer lw_buffer_part(const struct lw_buffer *buffer, uint64_t offset, uint64_t size);

#endif
