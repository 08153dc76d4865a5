// SPDX-License-Identifier: Apache-2.0
// A stream records dispatches once and submits them again and again. Each dispatch declares what it
// reads and writes; a barrier stands only where that conflicts with work recorded before. A failure
// while recording is kept and reported by lw_stream_end, so that recording code reads straight.
//
// No submission runs long enough for a watchdog: the recording is cut into pieces by the time that
// its commands are expected to take, and cut anew once the device's timestamps tell what they took. A
// command that takes too long by itself is divided, a dispatch by its workgroups.
#ifndef LW_GPU_STREAM_H
#define LW_GPU_STREAM_H

#include "engine/gpu/arena.h"
#include "engine/gpu/kernel.h"

struct lw_stream;

// A byte range that a dispatch reads or writes. Size 0 is ignored, so that optional operands need
// no special case.
struct lw_access {
    uint64_t address, size;
    bool write;
};

#define LW_DISPATCH_ACCESSES 16

struct lw_dispatch {
    enum lw_kernel_id kernel;
    const void *args;   // the kernel's push-constant struct
    uint32_t groups[3]; // workgroups; 0 anywhere: nothing to do
    uint32_t constant_count, constants[LW_KERNEL_CONSTANTS];
    uint32_t subgroup_size; // that the kernel must have, in full subgroups; 0: any
    uint32_t access_count;
    struct lw_access accesses[LW_DISPATCH_ACCESSES];
    double flops, bytes; // of useful work, for --profile and the first pieces
};

// `name` must outlive the device ("the backward pass"); it stands in messages.
bool lw_stream_create(
    struct lw_stream **stream, struct lw_device *device, const char *name, struct lw_error *error);
// Its work must be done. With --profile, the times of all runs are in the device's table afterwards.
void lw_stream_destroy(struct lw_stream *stream);

struct lw_device *lw_stream_device(const struct lw_stream *stream);

// Between create and end: recording.
void lw_stream_dispatch(struct lw_stream *stream, const struct lw_dispatch *dispatch);
// Fills with a repeated 32-bit word; size is rounded down to 4.
void lw_stream_fill(struct lw_stream *stream, const struct lw_buffer *buffer, uint32_t word);
// Copies min(sizes) bytes.
void lw_stream_copy(
    struct lw_stream *stream, const struct lw_buffer *from, const struct lw_buffer *to);
// Keeps the first failure of recording.
LW_PRINTF(3, 4)
void lw_stream_fail(struct lw_stream *stream, enum lw_status status, const char *format, ...);

// Ends recording; false with what went wrong while it was recorded.
bool lw_stream_end(struct lw_stream *stream, struct lw_error *error);

// Runs the recording after everything submitted to the device before. `ticket` (may be NULL) is
// for lw_device_wait. Allocates only where the pieces change, in the first runs.
bool lw_stream_submit(struct lw_stream *stream, uint64_t *ticket, struct lw_error *error);

// Spreads `count` workgroups over x and y, because some drivers stop at 65535 in one dimension.
// Kernels take the flat number from lw_group_index() and must ignore numbers >= their own count.
void lw_dispatch_linear(struct lw_dispatch *dispatch, uint64_t count);

#endif
