// SPDX-License-Identifier: Apache-2.0
// Submissions stay short: how commands are cut into pieces and divided, that a divided stream gives
// the same bytes, that pieces follow the times that the device takes, and what is said of a device
// that is lost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/gpu/arena.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/split.h"
#include "engine/gpu/stream.h"
#include "engine/gpu/submission.h"
#include "engine/gpu/transfer.h"
#include "shaders/convert.h"

#define COUNT 100003u // elements that are converted
#define LIMIT 0.1     // seconds

static struct lw_instance *instance;
static struct lw_device *device;

static int open_device(void **state)
{
    (void)state;
    struct lw_error error = {0};
    return lw_instance_create(&instance, &(struct lw_instance_params){0}, &error) &&
                   lw_device_create(&device, instance, &(struct lw_device_params){0}, &error)
               ? 0
               : -1;
}

static int close_device(void **state)
{
    (void)state;
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    return 0;
}

static struct lw_command dispatch(double seconds, uint32_t x, uint32_t y, uint32_t z)
{
    return (struct lw_command){
        .kind = LW_COMMAND_DISPATCH, .groups = {x, y, z}, .seconds = seconds};
}

// Each division of each command in one portion, in order, and no piece over the limit.
static void check_split(
    const struct lw_split *split, const struct lw_command *commands, size_t count)
{
    size_t next = 0;
    double filled = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t covered = 0; covered < lw_command_divisions(&commands[i]);) {
            const struct lw_portion *portion = &split->portions[next];
            assert_true(next < split->portion_count);
            assert_int_equal(portion->command, i);
            assert_int_equal(portion->first, covered);
            assert_true(portion->count > 0);
            bool begins = next == 0 || portion->piece != split->portions[next - 1].piece;
            filled = begins ? portion->seconds : filled + portion->seconds;
            assert_true(filled <= LIMIT * 1.001);
            covered += portion->count;
            next++;
        }
    }
    assert_int_equal(next, split->portion_count);
}

static void pieces_are_short(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_command commands[] = {dispatch(0.06, 8, 1, 1), dispatch(0.03, 8, 1, 1),
        dispatch(0.95, 7, 64, 1), dispatch(0.02, 1, 1, 1),
        {.kind = LW_COMMAND_FILL, .size = 40 * LW_PORTION_BYTES + 4, .seconds = 0.35}};
    size_t count = sizeof commands / sizeof *commands;
    struct lw_split split;
    assert_true(lw_split_plan(&split, commands, count, LIMIT, &error));
    check_split(&split, commands, count);
    uint32_t before = split.count;
    lw_split_free(&split);
    for (size_t i = 0; i < count; i++) {
        commands[i].seconds *= commands[i].groups[0] == 1 ? 1 : 1.0 / 64;
    }
    assert_true(lw_split_plan(&split, commands, count, LIMIT, &error));
    check_split(&split, commands, count);
    assert_int_equal(split.count, 1);
    assert_true(before > 13);
    lw_split_free(&split);
}

// One workgroup cannot be divided: a piece of its own.
static void single_workgroup_stays_whole(void **state)
{
    (void)state;
    struct lw_error error = {0};
    const struct lw_command commands[] = {
        dispatch(0.01, 1, 1, 1), dispatch(5, 1, 1, 1), dispatch(0.01, 1, 1, 1)};
    struct lw_split split;
    assert_true(lw_split_plan(&split, commands, 3, LIMIT, &error));
    assert_int_equal(split.portion_count, 3);
    assert_int_equal(split.count, 3);
    lw_split_free(&split);
}

static void expectations_follow_measurements(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_command commands[] = {
        dispatch(0.04, 8, 1, 1), dispatch(0.04, 8, 1, 1), dispatch(0.15, 8, 1, 1)};
    struct lw_split split;
    assert_true(lw_split_plan(&split, commands, 3, LIMIT, &error));
    assert_int_equal(split.count, 3);
    const double seconds[] = {0.8, 0.2, 0.3};
    lw_split_learn(&split, seconds, commands);
    assert_float_equal(commands[0].seconds, 0.4, 1e-9);
    assert_float_equal(commands[1].seconds, 0.4, 1e-9);
    assert_float_equal(commands[2].seconds, 0.5, 1e-9);
    lw_split_free(&split);
}

static void record_convert(
    struct lw_stream *stream, const struct lw_buffer *x, const struct lw_buffer *y, double flops)
{
    struct lw_convert_args args = {x->address, y->address, COUNT};
    struct lw_dispatch convert = {.kernel = LW_KERNEL_CONVERT_F32_BF16,
        .args = &args,
        .constant_count = 1,
        .constants = {64},
        .access_count = 2,
        .accesses = {{x->address, COUNT * 4, false}, {y->address, COUNT * 2, true}},
        .flops = flops};
    lw_dispatch_linear(&convert, (COUNT + 255) / 256);
    lw_stream_dispatch(stream, &convert);
}

// A dispatch that is taken for a long one runs in parts, and once its time is known in one again;
// where the device is slow for its limit, in parts again.
static void streams_follow_measurements(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_arena *arena;
    struct lw_buffer x, y;
    struct lw_stream *stream;
    float *input = calloc(COUNT, sizeof *input);
    uint16_t *output = calloc(COUNT, sizeof *output);
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "test"}, &error));
    assert_true(lw_arena_allocate(arena, COUNT * 4, &x, &error));
    assert_true(lw_arena_allocate(arena, COUNT * 2, &y, &error));
    for (uint32_t i = 0; i < COUNT; i++) {
        input[i] = (float)(i % 251);
    }
    assert_true(lw_upload(device, &x, 0, input, COUNT * sizeof *input, &error));
    assert_true(lw_stream_create(&stream, device, "convert", &error));
    record_convert(stream, &x, &y, 1e14); // hours on a CPU
    assert_true(lw_stream_end(stream, &error));
    double limit = device->submission_seconds;
    uint64_t submissions[3];
    for (int run = 0; run < 3; run++) {
        uint64_t ticket;
        memset(output, 0xff, COUNT * sizeof *output);
        assert_true(lw_upload(device, &y, 0, output, COUNT * sizeof *output, &error));
        device->submission_seconds = run < 2 ? limit : 1e-9;
        uint64_t before = device->submitted;
        assert_true(lw_stream_submit(stream, &ticket, &error));
        submissions[run] = ticket - before;
        assert_true(lw_device_wait(device, ticket, &error));
        assert_true(lw_download(device, &y, 0, output, COUNT * sizeof *output, &error));
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t bits;
            memcpy(&bits, &input[i], sizeof bits);
            assert_int_equal(output[i], bits >> 16); // whole numbers below 256 are exact
        }
    }
    device->submission_seconds = limit;
    assert_int_equal(submissions[0], (COUNT + 255) / 256);
    assert_int_equal(submissions[1], 1);
    assert_int_equal(submissions[2], (COUNT + 255) / 256);
    lw_stream_destroy(stream);
    lw_arena_destroy(arena);
    free(input);
    free(output);
}

static void usage_counts_steps(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_usage before = lw_device_usage(device);
    assert_float_equal(before.busy, 0, 0);
    lw_device_usage_begin(device);
    struct lw_arena *arena;
    struct lw_buffer x;
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "test"}, &error));
    assert_true(lw_arena_allocate(arena, COUNT * 4, &x, &error));
    struct lw_stream *stream;
    assert_true(lw_stream_create(&stream, device, "fill", &error));
    lw_stream_fill(stream, &x, 7);
    assert_true(lw_stream_end(stream, &error));
    for (int i = 0; i < 3; i++) { // the host in between: idle time
        assert_true(lw_stream_submit(stream, NULL, &error) && lw_device_wait_all(device, &error));
    }
    lw_device_usage_end(device);
    assert_true(lw_stream_submit(stream, NULL, &error) && lw_device_wait_all(device, &error));
    struct lw_usage after = lw_device_usage(device);
    assert_true(after.busy > 0 && after.idle > 0);
    assert_true(lw_stream_submit(stream, NULL, &error) && lw_device_wait_all(device, &error));
    struct lw_usage still = lw_device_usage(device);
    assert_true(still.busy == after.busy && still.idle == after.idle);
    lw_stream_destroy(stream);
    lw_arena_destroy(arena);
}

static VKAPI_ATTR VkResult VKAPI_CALL lose_at_submit(
    VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
    (void)queue;
    (void)count;
    (void)infos;
    (void)fence;
    return VK_ERROR_DEVICE_LOST;
}

static VKAPI_ATTR VkResult VKAPI_CALL lose_at_wait(
    VkDevice handle, const VkSemaphoreWaitInfo *info, uint64_t timeout)
{
    (void)handle;
    (void)info;
    (void)timeout;
    return VK_ERROR_DEVICE_LOST;
}

static VKAPI_ATTR VkResult VKAPI_CALL lose_at_count(
    VkDevice handle, VkSemaphore semaphore, uint64_t *value)
{
    (void)handle;
    (void)semaphore;
    *value = 0;
    return VK_ERROR_DEVICE_LOST;
}

static void check_lost(const struct lw_error *error, const char *running)
{
    assert_int_equal(error->status, LW_FAILED);
    assert_non_null(strstr(error->message, "was lost"));
    assert_non_null(strstr(error->message, running));
    assert_non_null(strstr(error->message, lw_device_caps(device)->name));
}

static void lost_device_is_named(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_arena *arena;
    struct lw_buffer x;
    struct lw_stream *stream;
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "test"}, &error));
    assert_true(lw_arena_allocate(arena, 1 << 20, &x, &error));
    assert_true(lw_stream_create(&stream, device, "the backward pass", &error));
    lw_stream_fill(stream, &x, 7);
    assert_true(lw_stream_end(stream, &error));
    const struct lw_vulkan_device vulkan = device->vulkan;
    device->vulkan.QueueSubmit = lose_at_submit;
    assert_false(lw_stream_submit(stream, NULL, &error));
    check_lost(&error, "the backward pass");
    device->vulkan = vulkan;
    error = (struct lw_error){0};
    assert_true(lw_device_wait_all(device, &error));
    uint64_t ticket;
    device->vulkan.WaitSemaphores = lose_at_wait;
    device->vulkan.GetSemaphoreCounterValue = lose_at_count;
    assert_true(lw_stream_submit(stream, &ticket, &error));
    assert_false(lw_device_wait(device, ticket, &error));
    check_lost(&error, "the backward pass");
    device->vulkan = vulkan;
    error = (struct lw_error){0};
    assert_true(lw_device_wait_all(device, &error));
    lw_stream_destroy(stream);
    lw_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_short),
        cmocka_unit_test(single_workgroup_stays_whole),
        cmocka_unit_test(expectations_follow_measurements), cmocka_unit_test(usage_counts_steps),
        cmocka_unit_test(streams_follow_measurements), cmocka_unit_test(lost_device_is_named)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
