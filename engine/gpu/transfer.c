// SPDX-License-Identifier: Apache-2.0
// Blocking copies, directly where the host maps the memory, else through a staging block. See
// transfer.h.
#include "engine/gpu/transfer.h"

#include <string.h>

#include "engine/gpu/device_private.h"
#include "engine/gpu/stream.h"

#define STAGING_BYTES ((uint64_t)64 << 20)

static bool copy_on_device(struct lw_device *device, const struct lw_buffer *from,
    const struct lw_buffer *to, struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, device, "copy", error)) {
        return false;
    }
    lw_stream_copy(stream, from, to);
    uint64_t ticket;
    bool done = lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}

// Moves the bytes chunk by chunk; `data` is read when `upload`, else written.
static bool move_staged(struct lw_device *device, const struct lw_buffer *buffer, uint64_t offset,
    char *data, uint64_t size, bool upload, struct lw_error *error)
{
    struct lw_arena *arena;
    struct lw_buffer staging;
    uint64_t chunk = size < STAGING_BYTES ? size : STAGING_BYTES;
    if (!lw_arena_create(&arena, device,
            &(struct lw_arena_params){.name = "staging", .memory = LW_MEMORY_HOST}, error)) {
        return false;
    }
    bool moved = lw_arena_allocate(arena, chunk, &staging, error);
    for (uint64_t done = 0; moved && done < size; done += chunk) {
        uint64_t part = size - done < chunk ? size - done : chunk;
        struct lw_buffer host = lw_buffer_part(&staging, 0, part);
        struct lw_buffer target = lw_buffer_part(buffer, offset + done, part);
        if (upload) {
            memcpy(host.mapped, data + done, part);
            moved = copy_on_device(device, &host, &target, error);
        } else {
            moved = copy_on_device(device, &target, &host, error);
            memcpy(data + done, host.mapped, part);
        }
    }
    lw_arena_destroy(arena);
    return moved;
}

bool lw_upload(struct lw_device *device, const struct lw_buffer *buffer, uint64_t offset,
    const void *data, uint64_t size, struct lw_error *error)
{
    if (!lw_device_wait_all(device, error)) {
        return false;
    }
    if (buffer->mapped) {
        memcpy((char *)buffer->mapped + offset, data, size);
        return true;
    }
    return move_staged(device, buffer, offset, (char *)(uintptr_t)data, size, true, error);
}

bool lw_download(struct lw_device *device, const struct lw_buffer *buffer, uint64_t offset,
    void *data, uint64_t size, struct lw_error *error)
{
    if (!lw_device_wait_all(device, error)) {
        return false;
    }
    if (buffer->mapped) {
        memcpy(data, (const char *)buffer->mapped + offset, size);
        return true;
    }
    return move_staged(device, buffer, offset, data, size, false, error);
}
