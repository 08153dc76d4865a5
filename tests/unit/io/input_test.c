// SPDX-License-Identifier: Apache-2.0
// engine/io/input: plain and compressed files, in any portions; cut and damaged ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <zstd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/io/input.h"

#define PATH "input_test.tmp"

enum { TEXT_BYTES = 700000 };

// Words that compress, longer than the reader's buffer.
static char *make_text(void)
{
    char *text = lw_calloc(TEXT_BYTES + 1, 1, NULL);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        text[i] = (char)('a' + lw_random_below(3, 0, i / 5 % 4000, 26));
    }
    return text;
}

static void write_file(const void *bytes, size_t size)
{
    assert_true(lw_file_write_whole(PATH, bytes, size, NULL));
}

// Reads everything by `portion` bytes; the length, or -1 with `error` filled.
static long read_all(char *text, size_t portion, struct lw_error *error)
{
    struct lw_input *input;
    size_t length = 0, got;
    if (!lw_input_open(&input, PATH, error)) {
        return -1;
    }
    do {
        if (!lw_input_read(input, text + length, portion, &got, error)) {
            lw_input_close(input);
            return -1;
        }
        length += got;
    } while (got);
    lw_input_close(input);
    return (long)length;
}

static void check_read(const char *expected, size_t size, size_t portion)
{
    char *text = lw_calloc(2 * TEXT_BYTES + portion, 1, NULL);
    struct lw_error error = {0};
    assert_int_equal(read_all(text, portion, &error), size);
    assert_memory_equal(text, expected, size);
    lw_free(text);
}

static void plain_files(void **state)
{
    char *text = *state;
    static const size_t sizes[] = {0, 1, 3, 4, 5, TEXT_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        write_file(text, sizes[i]);
        check_read(text, sizes[i], 1 << 16);
        check_read(text, sizes[i], 4099);
    }
}

static void compressed_files(void **state)
{
    char *text = *state;
    size_t room = ZSTD_compressBound(TEXT_BYTES);
    char *packed = lw_calloc(2 * room, 1, NULL);
    size_t size = ZSTD_compress(packed, room, text, TEXT_BYTES, 3);
    assert_false(ZSTD_isError(size));
    write_file(packed, size);
    check_read(text, TEXT_BYTES, 1 << 20);
    check_read(text, TEXT_BYTES, 1021);

    // Two frames are one text, as zstd's own tool has it.
    size_t half = ZSTD_compress(packed, room, text, TEXT_BYTES / 2, 1);
    size_t rest =
        ZSTD_compress(packed + half, room, text + TEXT_BYTES / 2, TEXT_BYTES - TEXT_BYTES / 2, 1);
    write_file(packed, half + rest);
    check_read(text, TEXT_BYTES, 1 << 16);

    size = ZSTD_compress(packed, room, "", 0, 1);
    write_file(packed, size);
    check_read(text, 0, 100);
    lw_free(packed);
}

static void damaged_files(void **state)
{
    char *text = *state;
    size_t room = ZSTD_compressBound(TEXT_BYTES);
    char *packed = lw_calloc(room, 1, NULL), *unpacked = lw_calloc(2 * TEXT_BYTES, 1, NULL);
    size_t size = ZSTD_compress(packed, room, text, TEXT_BYTES, 1);
    const size_t cuts[] = {5, 9, size / 2, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct lw_error error = {0};
        write_file(packed, cuts[i]);
        assert_int_equal(read_all(unpacked, 1 << 16, &error), -1);
        assert_int_equal(error.status, LW_BAD_INPUT);
        assert_non_null(strstr(error.message, PATH ": it ends in the middle of a zstd frame"));
    }
    struct lw_error error = {0};
    memset(packed + size / 2, 0xFF, 64);
    write_file(packed, size);
    assert_int_equal(read_all(unpacked, 1 << 16, &error), -1);
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, PATH));
    lw_free(packed);
    lw_free(unpacked);
}

static void failures_are_clean(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_input *input;
    assert_false(lw_input_open(&input, "absent.json", &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_null(input);
    write_file("text", 4);
    bool done = false;
    for (long n = 0; !done; n++) {
        error = (struct lw_error){0};
        lw_memory_fail_after(n);
        done = lw_input_open(&input, PATH, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
    }
    lw_input_close(input);
}

static int set_up(void **state)
{
    *state = make_text();
    return 0;
}

static int tear_down(void **state)
{
    lw_free(*state);
    return lw_file_remove(PATH, NULL) ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files),
        cmocka_unit_test(compressed_files),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
