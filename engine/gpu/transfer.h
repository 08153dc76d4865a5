// SPDX-License-Identifier: Apache-2.0
// Moves bytes between host and device memory and waits for them: for loading weights, saving
// checkpoints and tests. A training step never uses it.
#ifndef LW_GPU_TRANSFER_H
#define LW_GPU_TRANSFER_H

#include "engine/gpu/arena.h"

// Copies `size` bytes from `data` into `buffer` at byte `offset`. Both are multiples of 1 where
// the buffer is mapped; they pass through a staging block elsewhere.
bool lw_upload(struct lw_device *device, const struct lw_buffer *buffer, uint64_t offset,
    const void *data, uint64_t size, struct lw_error *error);

// Copies `size` bytes of `buffer` from byte `offset` into `data`.
bool lw_download(struct lw_device *device, const struct lw_buffer *buffer, uint64_t offset,
    void *data, uint64_t size, struct lw_error *error);

#endif
