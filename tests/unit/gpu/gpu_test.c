// SPDX-License-Identifier: Apache-2.0
// engine/gpu: hazards, memory, and one kernel recorded once and run again and again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gpu/arena.h"
#include "engine/gpu/hazard.h"
#include "engine/gpu/profile.h"
#include "engine/gpu/stream.h"
#include "engine/gpu/transfer.h"
#include "shaders/convert.h"

static struct lw_instance *instance;
static struct lw_device *device;

static void show_message(void *context, enum lw_log_level level, const char *message)
{
    (void)context;
    (void)level;
    print_message("%s\n", message);
}

static void hazards_find_conflicts(void **state)
{
    (void)state;
    struct lw_hazards hazards = {0};
    const struct lw_access write = {1000, 100, true}, beside = {1100, 50, true};
    const struct lw_access read = {1050, 1, false}, again = {1050, 1, false};
    assert_false(lw_hazards_add(&hazards, &write, 1));
    assert_false(lw_hazards_add(&hazards, &beside, 1));
    assert_true(lw_hazards_add(&hazards, &read, 1));   // read after write
    assert_false(lw_hazards_add(&hazards, &again, 1)); // reads do not conflict
    assert_true(lw_hazards_add(&hazards, &write, 1));  // write after read
    for (int i = 0; i < LW_HAZARD_ACCESSES - 1; i++) {
        assert_false(lw_hazards_add(&hazards, &(struct lw_access){5000 + 10 * i, 10, true}, 1));
    }
    assert_true(lw_hazards_add(&hazards, &(struct lw_access){1, 1, false}, 1)); // no room
}

static void arena_keeps_apart(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_arena *arena;
    struct lw_buffer first, second;
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "test"}, &error));
    uint64_t held = lw_device_memory_held(device);
    assert_true(lw_arena_allocate(arena, 1000, &first, &error));
    assert_true(lw_arena_allocate(arena, 3 << 20, &second, &error));
    assert_int_equal(first.address % 256, 0);
    assert_true(
        second.address >= first.address + 1000 || second.address + (3 << 20) <= first.address);
    assert_true(lw_device_memory_held(device) > held + (3 << 20));
    assert_false(lw_arena_allocate(arena, (uint64_t)1 << 50, &second, &error));
    assert_int_equal(error.status, LW_NO_RESOURCE);
    assert_non_null(strstr(error.message, "test"));
    lw_arena_destroy(arena);
    assert_int_equal(lw_device_memory_held(device), held);
}

static void record_convert(
    struct lw_stream *stream, const struct lw_buffer *x, const struct lw_buffer *y, uint64_t count)
{
    struct lw_convert_args args = {x->address, y->address, count};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_CONVERT_F32_BF16,
        .args = &args,
        .constant_count = 1,
        .constants = {64},
        .access_count = 2,
        .accesses = {{x->address, count * 4, false}, {y->address, count * 2, true}},
        .bytes = (double)count * 6};
    lw_dispatch_linear(&dispatch, (count + 255) / 256);
    lw_stream_dispatch(stream, &dispatch);
}

static void stream_runs_again(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_arena *arena;
    struct lw_buffer x, y;
    struct lw_stream *stream;
    const uint64_t count = 1003;
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "test"}, &error));
    assert_true(lw_arena_allocate(arena, count * 4, &x, &error));
    assert_true(lw_arena_allocate(arena, count * 2, &y, &error));
    assert_true(lw_stream_create(&stream, device, "convert", &error));
    record_convert(stream, &x, &y, count);
    assert_true(lw_stream_end(stream, &error));
    for (int run = 1; run <= 3; run++) {
        float input[1003];
        uint16_t output[1003];
        for (uint64_t i = 0; i < count; i++) {
            input[i] = (float)i * 0.37f * (float)run;
        }
        assert_true(lw_upload(device, &x, 0, input, sizeof input, &error));
        uint64_t ticket;
        assert_true(lw_stream_submit(stream, &ticket, &error));
        assert_true(lw_device_wait(device, ticket, &error));
        assert_true(lw_download(device, &y, 0, output, sizeof output, &error));
        for (uint64_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &input[i], sizeof bits);
            assert_int_equal(output[i], (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        }
    }
    lw_stream_destroy(stream);
    assert_int_equal(lw_device_profile(device, LW_KERNEL_CONVERT_F32_BF16)->calls, 3);
    assert_true(lw_device_profile(device, LW_KERNEL_CONVERT_F32_BF16)->seconds >= 0);
    lw_arena_destroy(arena);
}

static void selection_names_choices(void **state)
{
    (void)state;
    struct lw_error error = {0};
    size_t index = 99;
    assert_true(lw_instance_select(instance, NULL, &index, &error));
    assert_int_equal(index, 0);
    assert_false(lw_instance_select(instance, "no such device", &index, &error));
    assert_int_equal(error.status, LW_USAGE);
    assert_non_null(strstr(error.message, lw_instance_caps(instance, 0)->name));
}

static void no_validation_message(void **state)
{
    (void)state;
    assert_int_equal(lw_instance_message_count(instance), 0);
}

int main(void)
{
    struct lw_error error = {0};
    struct lw_log log = {.level = LW_LOG_WARNING, .write = show_message};
    struct lw_instance_params params = {
        .validation = getenv("LEWIN_VALIDATION") != NULL, .log = &log};
    struct lw_device_params device_params = {.profile = true, .log = &log};
    if (!lw_instance_create(&instance, &params, &error) ||
        !lw_device_create(&device, instance, &device_params, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hazards_find_conflicts),
        cmocka_unit_test(arena_keeps_apart),
        cmocka_unit_test(stream_runs_again),
        cmocka_unit_test(selection_names_choices),
        cmocka_unit_test(no_validation_message),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    return failed;
}
