// SPDX-License-Identifier: Apache-2.0
// engine/gpu/choices: kept between devices objects, forgotten where the file is damaged or of other
// kernels.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/gpu/choices.h"
#include "engine/gpu/device.h"

static struct lw_instance *instance;
static struct lw_string cache;

static struct lw_device *open_device(void)
{
    struct lw_error error = {0};
    struct lw_device *device = NULL;
    struct lw_device_params params = {.cache_folder = cache.data};
    assert_true(lw_device_create(&device, instance, &params, &error));
    return device;
}

// The path of the one choices file in the cache folder.
static void choices_file(char path[512])
{
    struct lw_folder_list list = {0};
    struct lw_error error = {0};
    assert_true(lw_folder_list(cache.data, &list, &error));
    path[0] = '\0';
    for (size_t i = 0; i < list.count; i++) {
        if (!strncmp(list.names[i], "choices-", 8)) {
            snprintf(path, 512, "%s/%s", cache.data, list.names[i]);
        }
    }
    lw_folder_list_free(&list);
    assert_true(path[0] != '\0');
}

static void are_kept(void **state)
{
    (void)state;
    struct lw_error error = {0};
    uint32_t value = 77;
    struct lw_device *device = open_device();
    assert_false(lw_choice_get(device, "tile of a", &value));
    assert_int_equal(value, 77);
    assert_true(lw_choice_set(device, "tile of a", 3, &error));
    assert_true(lw_choice_set(device, "tile of b", UINT32_MAX, &error));
    assert_true(lw_choice_set(device, "tile of a", 4, &error));
    assert_true(lw_choice_get(device, "tile of a", &value));
    assert_int_equal(value, 4);
    lw_device_destroy(device);
    device = open_device();
    assert_true(lw_choice_get(device, "tile of a", &value));
    assert_int_equal(value, 4);
    assert_true(lw_choice_get(device, "tile of b", &value));
    assert_int_equal(value, UINT32_MAX);
    assert_false(lw_choice_get(device, "tile of", &value));
    lw_device_destroy(device);
}

static void saved_at_once(void **state)
{
    (void)state;
    struct lw_error error = {0};
    uint32_t value;
    struct lw_device *device = open_device(), *other;
    assert_true(lw_choice_set(device, "saved", 9, &error));
    lw_choices_save(device);
    other = open_device();
    assert_true(lw_choice_get(other, "saved", &value));
    lw_device_destroy(other);
    lw_device_destroy(device);
}

static void write_file(const char *path, const char *text)
{
    struct lw_error error = {0};
    assert_true(lw_file_write_whole(path, text, strlen(text), &error));
}

static void other_files_are_not_believed(void **state)
{
    (void)state;
    struct lw_error error = {0};
    char path[512], *text;
    size_t size;
    uint32_t value;
    choices_file(path);
    assert_true(lw_file_read_whole(path, 1 << 20, &text, &size, &error));

    text[strlen("lewin choices ")] ^= 1; // kernels of another program
    write_file(path, text);
    struct lw_device *device = open_device();
    assert_false(lw_choice_get(device, "tile of a", &value));
    lw_device_destroy(device);

    text[strlen("lewin choices ")] ^= 1;
    char damaged[4096];
    snprintf(damaged, sizeof damaged, "%s12 whole\n99999999999 too large\n5 after it\n", text);
    write_file(path, damaged);
    device = open_device();
    assert_true(lw_choice_get(device, "whole", &value));
    assert_int_equal(value, 12);
    assert_false(lw_choice_get(device, "too large", &value));
    assert_false(lw_choice_get(device, "after it", &value));
    lw_device_destroy(device);

    write_file(path, "");
    device = open_device();
    assert_false(lw_choice_get(device, "whole", &value));
    lw_device_destroy(device);
    lw_free(text);
}

static int set_up(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_instance_params params = {0};
    return lw_folder_cache(NULL, &cache, &error) &&
                   lw_string_addf(&cache, &error, "/choices_test") &&
                   lw_folder_remove(cache.data, &error) && lw_folder_create(cache.data, &error) &&
                   lw_instance_create(&instance, &params, &error)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct lw_error error = {0};
    lw_instance_destroy(instance);
    lw_folder_remove(cache.data, &error);
    lw_string_free(&cache);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(are_kept), cmocka_unit_test(saved_at_once),
        cmocka_unit_test(other_files_are_not_believed)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
