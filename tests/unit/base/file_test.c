// SPDX-License-Identifier: Apache-2.0
// engine/base/file, folder and clock, on a folder of its own below the working one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"

#define ROOT "file_test.tmp"

static int set_up(void **state)
{
    (void)state;
    return lw_folder_remove(ROOT, NULL) && lw_folder_create(ROOT "/a/b/c", NULL) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    return lw_folder_remove(ROOT, NULL) ? 0 : 1;
}

static void positional_reads_and_writes(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_file *file;
    char bytes[8] = {0};
    uint64_t size;
    assert_true(lw_file_open(&file, ROOT "/x", LW_FILE_CREATE_NEW, &error));
    assert_true(lw_file_write_at(file, 3, "DEF", 3, &error));
    assert_true(lw_file_write_at(file, 0, "abc", 3, &error));
    assert_true(lw_file_sync(file, &error));
    assert_true(lw_file_size(file, &size, &error));
    assert_int_equal(size, 6);
    assert_true(lw_file_read_at(file, 2, bytes, 3, &error));
    assert_string_equal(bytes, "cDE");
    assert_false(lw_file_read_at(file, 4, bytes, 3, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, ROOT "/x"));
    lw_file_close(file);

    error = (struct lw_error){0};
    assert_false(lw_file_open(&file, ROOT "/x", LW_FILE_CREATE_NEW, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_null(file);
    assert_true(lw_file_open(&file, ROOT "/x", LW_FILE_UPDATE, NULL));
    assert_true(lw_file_write_at(file, 0, "A", 1, NULL));
    size_t got;
    assert_true(lw_file_read_next(file, bytes, 2, &got, NULL));
    assert_int_equal(got, 2);
    assert_memory_equal(bytes, "Ab", 2);
    lw_file_close(file);
    assert_true(lw_file_exists(ROOT "/x"));
    assert_false(lw_file_exists(ROOT "/a"));
}

static void failures_say_what_and_why(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum lw_file_mode mode;
    } cases[] = {{ROOT "/absent", LW_FILE_READ}, {ROOT "/a", LW_FILE_READ},
        {ROOT "/absent/x", LW_FILE_CREATE}, {ROOT "/a", LW_FILE_CREATE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error error = {0};
        struct lw_file *file;
        assert_false(lw_file_open(&file, cases[i].path, cases[i].mode, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        assert_non_null(strstr(error.message, cases[i].path));
    }
}

static void full_disk_is_named(void **state)
{
    (void)state;
    struct lw_file *file;
    if (!lw_file_open(&file, "/dev/full", LW_FILE_UPDATE, NULL)) {
        print_message("skipped: this system has no /dev/full\n");
        skip();
    }
    struct lw_error error = {0};
    assert_false(lw_file_write_at(file, 0, "x", 1, &error));
    lw_file_close(file);
    assert_int_equal(error.status, LW_FAILED);
    assert_non_null(strstr(error.message, "cannot write /dev/full"));
    assert_non_null(strstr(error.message, "Free space"));
}

static void whole_files(void **state)
{
    (void)state;
    struct lw_error error = {0};
    char *bytes;
    size_t size;
    assert_true(lw_file_write_whole(ROOT "/w", "first", 5, &error));
    assert_true(lw_file_write_whole(ROOT "/w", "second one", 10, &error));
    assert_true(lw_file_read_whole(ROOT "/w", 10, &bytes, &size, &error));
    assert_int_equal(size, 10);
    assert_string_equal(bytes, "second one");
    lw_free(bytes);
    assert_false(lw_file_exists(ROOT "/w.tmp"));
    assert_false(lw_file_read_whole(ROOT "/w", 9, &bytes, &size, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_null(bytes);

    assert_true(lw_file_write_whole(ROOT "/empty", "", 0, NULL));
    assert_true(lw_file_read_whole(ROOT "/empty", 0, &bytes, &size, NULL));
    assert_int_equal(size, 0);
    lw_free(bytes);
    assert_true(lw_file_copy(ROOT "/w", ROOT "/v", NULL));
    assert_true(lw_file_read_whole(ROOT "/v", 100, &bytes, &size, NULL));
    assert_string_equal(bytes, "second one");
    lw_free(bytes);
    assert_false(lw_file_copy(ROOT "/absent", ROOT "/u", NULL));
}

static void whole_file_survives_allocation_failures(void **state)
{
    (void)state;
    assert_true(lw_file_write_whole(ROOT "/k", "old", 3, NULL));
    bool done = false;
    for (long n = 0; !done; n++) {
        char *bytes;
        size_t size;
        lw_memory_fail_after(n);
        done = lw_file_write_whole(ROOT "/k", "newer", 5, NULL);
        lw_memory_fail_after(-1);
        assert_true(lw_file_read_whole(ROOT "/k", 100, &bytes, &size, NULL));
        assert_true(done ? strcmp(bytes, "newer") == 0 : size == 3 || size == 5);
        lw_free(bytes);
        assert_false(lw_file_exists(ROOT "/k.tmp"));
    }
}

static void folders(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_folder_list list = {0};
    bool empty;
    assert_true(lw_folder_create(ROOT "/t/deep/er//", &error));
    assert_true(lw_folder_create(ROOT "/t/deep", &error)); // again
    assert_true(lw_folder_exists(ROOT "/t/deep/er"));
    assert_true(lw_folder_is_empty(ROOT "/t/deep/er", &empty, &error) && empty);
    assert_true(lw_folder_is_empty(ROOT "/t/absent", &empty, &error) && empty);
    assert_true(lw_file_write_whole(ROOT "/t/z", "z", 1, &error));
    assert_true(lw_file_write_whole(ROOT "/t/Y", "y", 1, &error));
    assert_true(lw_folder_is_empty(ROOT "/t", &empty, &error) && !empty);
    assert_true(lw_folder_list(ROOT "/t", &list, &error));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.names[0], "Y");
    assert_string_equal(list.names[1], "deep");
    assert_string_equal(list.names[2], "z");
    lw_folder_list_free(&list);
    assert_true(lw_folder_sync(ROOT "/t", &error));

    assert_true(lw_file_rename(ROOT "/t", ROOT "/s", &error));
    assert_false(lw_folder_exists(ROOT "/t"));
    assert_false(lw_file_rename(ROOT "/s", ROOT "/a", &error)); // a holds b
    assert_int_equal(error.status, LW_BAD_INPUT);
    error = (struct lw_error){0};
    assert_false(lw_folder_create(ROOT "/s/z/q", &error)); // z is a file
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_false(lw_folder_remove_empty(ROOT "/s", NULL));
    assert_true(lw_folder_remove(ROOT "/s", NULL));
    assert_true(lw_folder_remove(ROOT "/s", NULL)); // nothing there
    assert_false(lw_folder_list(ROOT "/s", &list, NULL));
}

static void folder_removal_survives_allocation_failures(void **state)
{
    (void)state;
    bool done = false;
    for (long n = 0; !done; n++) {
        assert_true(lw_folder_create(ROOT "/r/x/y", NULL));
        assert_true(lw_file_write_whole(ROOT "/r/x/f", "f", 1, NULL));
        lw_memory_fail_after(n);
        done = lw_folder_remove(ROOT "/r", NULL);
        lw_memory_fail_after(-1);
    }
    assert_false(lw_folder_exists(ROOT "/r"));
}

static void free_space(void **state)
{
    (void)state;
    uint64_t here, below;
    assert_true(lw_folder_free_bytes(ROOT, &here, NULL));
    assert_true(lw_folder_free_bytes(ROOT "/not/yet/there", &below, NULL));
    assert_true(here > 0 && below > 0);
    assert_true(lw_folder_free_bytes("not yet there", &below, NULL));
}

static void paths(void **state)
{
    (void)state;
    struct lw_string text = {0};
    static const struct {
        const char *folder, *name, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {NULL, "b", "b"},
        {"a", "/b", "/b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        assert_true(lw_path_join(&text, joins[i].folder, joins[i].name, NULL));
        assert_string_equal(text.data, joins[i].joined);
    }
    static const char *const parents[][2] = {{"a/b", "a"}, {"a", "."}, {"/a", "/"}, {"/", "/"},
        {"a//b", "a"}, {"a/b/", "a"}, {"", "."}, {".", "."}, {"./x", "."}};
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        assert_true(lw_path_parent(&text, parents[i][0], NULL));
        assert_string_equal(text.data, parents[i][1]);
    }
    assert_string_equal(lw_path_name("a/b.json"), "b.json");
    assert_string_equal(lw_path_name("b.json"), "b.json");
    assert_true(lw_folder_cache("/some/where", &text, NULL));
    assert_string_equal(text.data, "/some/where");
    lw_string_free(&text);
}

static void clock_moves_forward(void **state)
{
    (void)state;
    double first = lw_clock_seconds(), later = first;
    for (int i = 0; i < 1000; i++) {
        double now = lw_clock_seconds();
        assert_true(now >= later);
        later = now;
    }
    assert_true(later < first + 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positional_reads_and_writes),
        cmocka_unit_test(failures_say_what_and_why),
        cmocka_unit_test(full_disk_is_named),
        cmocka_unit_test(whole_files),
        cmocka_unit_test(whole_file_survives_allocation_failures),
        cmocka_unit_test(folders),
        cmocka_unit_test(folder_removal_survives_allocation_failures),
        cmocka_unit_test(free_space),
        cmocka_unit_test(paths),
        cmocka_unit_test(clock_moves_forward),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
