// SPDX-License-Identifier: Apache-2.0
// Streams of writes of all sizes and places: the file holds what was written, byte for byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file_stream.h"
#include "engine/base/random.h"

#define PATH "file_stream_test.tmp"

enum { most = 40 << 20 };

static char *wanted, *got;

static char byte_at(uint64_t offset)
{
    return (char)(offset * 7 + (offset >> 12) * 13 + 1);
}

static void put(struct lw_file_stream *stream, uint64_t offset, size_t size)
{
    struct lw_error error = {0};
    for (size_t i = 0; i < size; i++) {
        wanted[offset + i] = byte_at(offset + i);
    }
    assert_true(lw_file_stream_write(stream, offset, wanted + offset, size, &error));
}

static void compare(uint64_t size)
{
    struct lw_error error = {0};
    struct lw_file *file;
    uint64_t bytes;
    assert_true(lw_file_open(&file, PATH, LW_FILE_READ, &error));
    assert_true(lw_file_size(file, &bytes, &error));
    assert_int_equal(bytes, size);
    assert_true(lw_file_read_at(file, 0, got, size, &error));
    assert_memory_equal(got, wanted, size);
    lw_file_close(file);
}

static void open_stream(struct lw_file **file, struct lw_file_stream **stream)
{
    struct lw_error error = {0};
    memset(wanted, 0, most);
    assert_true(lw_file_open(file, PATH, LW_FILE_CREATE, &error));
    assert_true(lw_file_stream_create(stream, *file, &error));
}

static void close_stream(struct lw_file *file, struct lw_file_stream *stream)
{
    struct lw_error error = {0};
    assert_true(lw_file_stream_flush(stream, &error));
    assert_true(lw_file_sync(file, &error));
    lw_file_stream_destroy(stream);
    lw_file_close(file);
}

static void one_range_after_another(void **state)
{
    (void)state;
    static const size_t firsts[] = {1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct lw_file *file;
        struct lw_file_stream *stream;
        open_stream(&file, &stream);
        uint64_t offset = 0;
        put(stream, 0, firsts[i]);
        offset += firsts[i];
        for (uint64_t k = 0; k < 12; k++) {
            size_t size = (size_t)(lw_random_bits(1, i, k) % (2 << 20));
            put(stream, offset, size);
            offset += size;
        }
        close_stream(file, stream);
        compare(offset);
    }
}

// Tensors of several types do not stand in the order in which they come.
static void ranges_in_any_order(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset;
        size_t size;
    } ranges[] = {{20000001, 9000000}, {0, 64}, {64, 4032}, {10000000, 10000001}, {4096, 9995904},
        {29000001, 3}, {29000004, 4096 * 3 - 1}};
    struct lw_file *file;
    struct lw_file_stream *stream;
    open_stream(&file, &stream);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        put(stream, ranges[i].offset, ranges[i].size);
    }
    close_stream(file, stream);
    compare(29000004 + 4096 * 3 - 1);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_file *file;
    struct lw_file_stream *stream = NULL;
    assert_true(lw_file_open(&file, PATH, LW_FILE_CREATE, &error));
    for (long successes = 0; !stream; successes++) {
        lw_memory_fail_after(successes);
        bool created = lw_file_stream_create(&stream, file, &error);
        lw_memory_fail_after(-1);
        assert_true(created || error.status == LW_NO_RESOURCE);
    }
    lw_file_stream_destroy(stream);
    lw_file_stream_destroy(NULL);
    lw_file_close(file);
}

int main(void)
{
    wanted = lw_calloc(1, most, NULL);
    got = lw_calloc(1, most, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_after_another),
        cmocka_unit_test(ranges_in_any_order),
        cmocka_unit_test(survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lw_file_remove(PATH, NULL);
    lw_free(wanted);
    lw_free(got);
    return failed;
}
