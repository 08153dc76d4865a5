// SPDX-License-Identifier: Apache-2.0
// engine/base/file_map, and the stamps and locks of engine/base/file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/file_map.h"
#include "engine/base/folder.h"

#define ROOT "file_map_test.tmp"

static int set_up(void **state)
{
    (void)state;
    return lw_folder_remove(ROOT, NULL) && lw_folder_create(ROOT, NULL) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    return lw_folder_remove(ROOT, NULL) ? 0 : 1;
}

static void maps_what_is_there(void **state)
{
    (void)state;
    enum { size = 3 << 20 };
    unsigned char *bytes = lw_calloc(size, 1, NULL);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    }
    struct lw_error error = {0};
    struct lw_file_map *map;
    assert_true(lw_file_write_whole(ROOT "/x", bytes, size, &error));
    assert_true(lw_file_map_open(&map, ROOT "/x", &error));
    assert_int_equal(lw_file_map_size(map), size);
    assert_memory_equal(lw_file_map_bytes(map), bytes, size);
    lw_file_map_release(map);
    assert_memory_equal(lw_file_map_bytes(map), bytes, size);
    lw_file_map_close(map);
    lw_free(bytes);
}

static void refuses_what_cannot_be_mapped(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_file_map *map;
    assert_true(lw_file_write_whole(ROOT "/empty", "", 0, &error));
    assert_true(lw_file_map_open(&map, ROOT "/empty", &error));
    assert_int_equal(lw_file_map_size(map), 0);
    lw_file_map_release(map);
    lw_file_map_close(map);
    assert_false(lw_file_map_open(&map, ROOT "/absent", &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, ROOT "/absent"));
    assert_null(map);
    error = (struct lw_error){0};
    assert_false(lw_file_map_open(&map, ROOT, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
}

static struct lw_file_stamp stamp_of(const char *path)
{
    struct lw_file_stamp stamp;
    assert_true(lw_file_stamp(path, &stamp, NULL));
    return stamp;
}

static void stamps_tell_files_apart(void **state)
{
    (void)state;
    int64_t before = lw_clock_wall();
    assert_true(lw_file_write_whole(ROOT "/one", "12345", 5, NULL));
    assert_true(lw_file_write_whole(ROOT "/two", "12345", 5, NULL));
    struct lw_file_stamp one = stamp_of(ROOT "/one"), two = stamp_of(ROOT "/two");
    assert_true(one.is_regular);
    assert_int_equal(one.size, 5);
    assert_true(one.device == two.device && one.number != two.number);
    struct lw_error error = {0};
    assert_false(lw_file_stamp(ROOT "/absent", &one, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    one = stamp_of(ROOT "/one");
    // The system's clock for files may tick slowly.
    const int64_t second = 1000000000;
    assert_true(one.modified > before - 3 * second && one.modified < before + 60 * second);
    assert_true(one.taken >= before && one.taken < before + 60 * second);
    assert_true(one.changed > before - 3 * second && one.changed < before + 60 * second);
}

static void one_handle_has_the_lock(void **state)
{
    (void)state;
    struct lw_file *first, *second;
    bool locked;
    assert_true(lw_file_open(&first, ROOT "/lock", LW_FILE_CREATE, NULL));
    assert_true(lw_file_open(&second, ROOT "/lock", LW_FILE_CREATE, NULL));
    assert_true(lw_file_lock(first, &locked, NULL) && locked);
    assert_true(lw_file_lock(second, &locked, NULL) && !locked);
    lw_file_close(first);
    assert_true(lw_file_lock(second, &locked, NULL) && locked);
    lw_file_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_what_is_there),
        cmocka_unit_test(refuses_what_cannot_be_mapped),
        cmocka_unit_test(stamps_tell_files_apart),
        cmocka_unit_test(one_handle_has_the_lock),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
