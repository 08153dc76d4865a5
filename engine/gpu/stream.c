// SPDX-License-Identifier: Apache-2.0
// Recording commands, and submitting them in pieces that follow the time they take. See stream.h.
#include "engine/gpu/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/arena_private.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/hazard.h"
#include "engine/gpu/program.h"

// Encodings of a stream that may be under way at once. With --profile they take turns, so that the
// times of a run are read when it has long ended; else a second is made when the pieces change.
#define PROGRAMS 3
// Pieces are made anew when one takes this many times as long as it may.
#define TOO_LONG 2

struct lw_stream {
    struct lw_device *device;
    const char *name;
    struct lw_error error; // the first failure of recording
    struct lw_hazards hazards;
    struct lw_command *commands;
    size_t command_count, command_capacity;
    struct lw_program *programs[PROGRAMS];
    unsigned plans[PROGRAMS], plan; // what the pieces were planned by; changes with the times
    unsigned current;               // of the programs
    bool settled;                   // times were measured
    bool submitted;
};

// A new command with a barrier if its accesses need one; NULL after a failure.
static struct lw_command *add_command(struct lw_stream *stream, enum lw_command_kind kind,
    const struct lw_access *accesses, uint32_t count)
{
    if (stream->error.status != LW_OK ||
        !lw_reserve(&stream->commands, &stream->command_capacity, stream->command_count + 1,
            sizeof *stream->commands, &stream->error)) {
        return NULL;
    }
    struct lw_command *command = &stream->commands[stream->command_count++];
    *command = (struct lw_command){
        .kind = kind, .barrier = lw_hazards_add(&stream->hazards, accesses, count)};
    return command;
}

// Before anything was measured: what the slowest devices of a kind do.
static double expected_seconds(const struct lw_device *device, double flops, double bytes)
{
    static const struct {
        double flops, bytes; // a second
    } slowest[] = {[LW_DEVICE_DISCRETE] = {1e12, 5e10},
        [LW_DEVICE_INTEGRATED] = {5e10, 5e9},
        [LW_DEVICE_CPU] = {1e10, 2e9},
        [LW_DEVICE_OTHER] = {5e10, 5e9}};
    enum lw_device_kind kind = device->caps.kind;
    return flops / slowest[kind].flops + bytes / slowest[kind].bytes + 1e-6;
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
    return true;
}

void lw_stream_destroy(struct lw_stream *stream)
{
    if (stream) {
        for (unsigned i = 0; i < PROGRAMS; i++) {
            lw_program_destroy(stream->programs[i]);
        }
        lw_free(stream->commands);
        lw_free(stream);
    }
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
    struct lw_command *command =
        add_command(stream, LW_COMMAND_DISPATCH, dispatch->accesses, dispatch->access_count);
    if (!command) {
        return;
    }
    command->key = (struct lw_pipeline_key){.kernel = dispatch->kernel,
        .subgroup_size = dispatch->subgroup_size,
        .constant_count = dispatch->constant_count};
    memcpy(command->key.constants, dispatch->constants,
        dispatch->constant_count * sizeof *dispatch->constants);
    assert(lw_kernel_rows[dispatch->kernel].args_size <= sizeof command->args);
    memcpy(command->args, dispatch->args, lw_kernel_rows[dispatch->kernel].args_size);
    memcpy(command->groups, groups, sizeof command->groups);
    command->flops = dispatch->flops;
    command->bytes = dispatch->bytes;
    command->seconds = expected_seconds(stream->device, dispatch->flops, dispatch->bytes);
}

void lw_stream_fill(struct lw_stream *stream, const struct lw_buffer *buffer, uint32_t word)
{
    struct lw_access access = {buffer->address, buffer->size, true};
    struct lw_command *command =
        buffer->size >= 4 ? add_command(stream, LW_COMMAND_FILL, &access, 1) : NULL;
    if (command) {
        command->to = buffer->block->handle;
        command->to_offset = buffer->offset;
        command->size = buffer->size / 4 * 4;
        command->word = word;
        command->seconds = expected_seconds(stream->device, 0, (double)command->size);
    }
}

void lw_stream_copy(
    struct lw_stream *stream, const struct lw_buffer *from, const struct lw_buffer *to)
{
    uint64_t size = from->size < to->size ? from->size : to->size;
    struct lw_access accesses[] = {{from->address, size, false}, {to->address, size, true}};
    struct lw_command *command = size ? add_command(stream, LW_COMMAND_COPY, accesses, 2) : NULL;
    if (command) {
        command->from = from->block->handle;
        command->from_offset = from->offset;
        command->to = to->block->handle;
        command->to_offset = to->offset;
        command->size = size;
        command->seconds = expected_seconds(stream->device, 0, 2 * (double)size);
    }
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

static bool encode(struct lw_stream *stream, unsigned slot, struct lw_error *error)
{
    stream->plans[slot] = stream->plan;
    return lw_program_create(
        &stream->programs[slot], stream->device, stream->commands, stream->command_count, error);
}

bool lw_stream_end(struct lw_stream *stream, struct lw_error *error)
{
    if (stream->error.status == LW_OK) {
        encode(stream, 0, &stream->error);
    }
    if (stream->error.status != LW_OK) {
        return lw_fail(
            error, stream->error.status, "recording %s: %s", stream->name, stream->error.message);
    }
    return true;
}

// Learns from the runs that have ended. Whether the pieces should be made anew: once when their times
// are known for the first time, and whenever one has become too long.
static bool outgrown(struct lw_stream *stream)
{
    bool renew = false;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct lw_program *program = stream->programs[i];
        double longest;
        if (program && stream->plans[i] == stream->plan &&
            lw_program_learn(program, stream->commands, &longest)) {
            renew = renew || longest > TOO_LONG * stream->device->submission_seconds ||
                    (!stream->settled && lw_program_pieces(program) > 1);
            stream->settled = true;
        }
    }
    return renew;
}

// Moves on to another encoding where the pieces have outgrown theirs, and in turn with --profile.
// Where the next one is still under way, the current one goes on.
static bool choose_program(struct lw_stream *stream, struct lw_error *error)
{
    stream->plan += outgrown(stream);
    bool turn = stream->device->profile && stream->submitted;
    if (!turn && stream->plans[stream->current] == stream->plan) {
        return true;
    }
    unsigned next = (stream->current + 1) % PROGRAMS;
    struct lw_program *old = stream->programs[next];
    if (!old || stream->plans[next] != stream->plan) {
        if (old && !lw_program_idle(old)) {
            return true;
        }
        lw_program_destroy(old);
        if (!encode(stream, next, error)) {
            return false;
        }
    }
    stream->current = next;
    return true;
}

bool lw_stream_submit(struct lw_stream *stream, uint64_t *ticket, struct lw_error *error)
{
    if (!choose_program(stream, error) ||
        !lw_program_submit(stream->programs[stream->current], stream->name, error)) {
        return false;
    }
    stream->submitted = true;
    if (ticket) {
        *ticket = stream->device->submitted;
    }
    return true;
}

void lw_dispatch_linear(struct lw_dispatch *dispatch, uint64_t count)
{
    const uint64_t widest = 65535;
    uint64_t rows = (count + widest - 1) / widest;
    dispatch->groups[0] = (uint32_t)(rows ? (count + rows - 1) / rows : 0);
    dispatch->groups[1] = (uint32_t)(rows ? rows : 1);
    dispatch->groups[2] = 1;
}
