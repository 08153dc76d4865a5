// SPDX-License-Identifier: Apache-2.0
// engine/io/checkpoint: Hugging Face's sharded folder of the fixtures, folders that are not whole, and
// the writer: sharding, all or nothing, what it refuses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/io/checkpoint.h"
#include "engine/io/json.h"

#define ROOT "checkpoint_test.tmp"

static const struct lw_tensor_info infos[] = {
    {.name = "first", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {2, 3}},
    {.name = "second", .dtype = LW_DTYPE_BF16, .rank = 1, .shape = {5}},
    {.name = "third", .dtype = LW_DTYPE_F32, .rank = 1, .shape = {4}},
    {.name = "none", .dtype = LW_DTYPE_F32, .rank = 1, .shape = {0}},
};

enum { COUNT = 4, BYTES = 24 + 10 + 16 };

static const char data[BYTES + 1] = "111111111111111111111111"
                                    "2222222222"
                                    "3333333333333333";

static bool write_model(const char *folder, uint64_t shard_bytes, struct lw_error *error)
{
    struct lw_checkpoint_writer *writer;
    const struct lw_checkpoint_params params = {
        folder, infos, COUNT, shard_bytes, 0, false, NULL, false};
    bool done = lw_checkpoint_writer_create(&writer, &params, error) &&
                lw_checkpoint_writer_add(writer, data, 30, error) &&
                lw_checkpoint_writer_add(writer, data + 30, BYTES - 30, error) &&
                lw_checkpoint_writer_file(writer, "config.json", "{}", 2, error) &&
                lw_checkpoint_writer_finish(writer, error);
    lw_checkpoint_writer_destroy(writer);
    return done;
}

static void check_model(const char *folder)
{
    struct lw_checkpoint *checkpoint;
    struct lw_error error = {0};
    assert_true(lw_checkpoint_open(&checkpoint, folder, &error));
    assert_int_equal(lw_checkpoint_count(checkpoint), COUNT);
    assert_int_equal(lw_checkpoint_bytes(checkpoint), BYTES);
    assert_string_equal(lw_checkpoint_folder(checkpoint), folder);
    const char *position = data;
    for (size_t i = 0; i < COUNT; i++) {
        char bytes[24];
        const struct lw_tensor_info *info = lw_checkpoint_find(checkpoint, infos[i].name);
        assert_non_null(info);
        assert_true(lw_checkpoint_read(checkpoint, info, 0, bytes, info->bytes, &error));
        assert_memory_equal(bytes, position, info->bytes);
        position += info->bytes;
    }
    assert_null(lw_checkpoint_find(checkpoint, "absent"));
    lw_checkpoint_close(checkpoint);
}

static void expect_open_fails(const char *folder, const char *what)
{
    struct lw_checkpoint *checkpoint;
    struct lw_error error = {0};
    assert_false(lw_checkpoint_open(&checkpoint, folder, &error));
    assert_null(checkpoint);
    assert_int_equal(error.status, LW_BAD_INPUT);
    if (!strstr(error.message, what)) {
        fail_msg("expected \"%s\" in: %s", what, error.message);
    }
}

static void one_file_or_shards(void **state)
{
    (void)state;
    assert_true(write_model(ROOT "/one", 0, NULL));
    assert_true(lw_file_exists(ROOT "/one/model.safetensors"));
    assert_true(lw_file_exists(ROOT "/one/config.json"));
    assert_false(lw_folder_exists(ROOT "/one.lewin-tmp"));
    check_model(ROOT "/one");

    // 24 + 10 fit into 34; 33 makes three files, the empty tensor with the last.
    assert_true(write_model(ROOT "/two/", 34, NULL));
    assert_true(lw_file_exists(ROOT "/two/model-00002-of-00002.safetensors"));
    check_model(ROOT "/two");
    assert_true(write_model(ROOT "/deep/er/three", 20, NULL));
    assert_true(lw_file_exists(ROOT "/deep/er/three/model-00003-of-00003.safetensors"));
    check_model(ROOT "/deep/er/three");

    cJSON *index = lw_json_read(ROOT "/two/model.safetensors.index.json", NULL, NULL);
    struct lw_json_scope scope = {index, "index"}, metadata = {NULL, "metadata"};
    int64_t total = 0;
    metadata.object = lw_json_find(&scope, "metadata");
    assert_true(lw_json_integer(&metadata, "total_size", BYTES, BYTES, &total, NULL));
    cJSON_Delete(index);
}

static void folders_that_are_not_whole(void **state)
{
    (void)state;
    expect_open_fails(ROOT "/absent", "is no folder");
    assert_true(lw_folder_create(ROOT "/bare", NULL));
    expect_open_fails(ROOT "/bare", "holds neither model.safetensors nor");

    const char *index = ROOT "/broken/model.safetensors.index.json";
    assert_true(write_model(ROOT "/broken", 34, NULL));
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"weight_map\":{\"first\":\"gone.safetensors\"}}", "gone.safetensors is missing"},
        {"{\"weight_map\":{\"first\":\"model-00001-of-00002.safetensors\","
         "\"fourth\":\"model-00001-of-00002.safetensors\"}}",
            "tensor fourth is in model-00001-of-00002.safetensors, but it is not"},
        {"{\"weight_map\":{\"first\":\"model-00002-of-00002.safetensors\"}}",
            "tensor first is in model-00002-of-00002.safetensors, but it is not"},
        {"{\"weight_map\":{\"first\":\"../one/model.safetensors\"}}", "no plain file name"},
        {"{\"weight_map\":{\"first\":\"..\"}}", "no plain file name"},
        {"{\"weight_map\":{\"first\":7}}", "no plain file name"},
        {"{\"weight_map\":{}}", "is empty"},
        {"{\"weight_map\":[]}", "must be an object"},
        {"{}", "must be an object"},
        {"[]", "must be a JSON object"},
        {"{\"weight_map\":{\"first\":\"model-0000", "a string that does not end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(lw_file_write_whole(index, cases[i].text, strlen(cases[i].text), NULL));
        expect_open_fails(ROOT "/broken", cases[i].message);
    }
    // The same tensors in two shards.
    assert_true(lw_file_copy(
        ROOT "/broken/model-00001-of-00002.safetensors", ROOT "/broken/copy.safetensors", NULL));
    const char *twice = "{\"weight_map\":{\"first\":\"model-00001-of-00002.safetensors\","
                        "\"second\":\"copy.safetensors\"}}";
    assert_true(lw_file_write_whole(index, twice, strlen(twice), NULL));
    expect_open_fails(ROOT "/broken", "tensor first is in two shards");
    // A shard that is cut.
    char *bytes;
    size_t size;
    assert_true(lw_file_read_whole(ROOT "/broken/copy.safetensors", 4096, &bytes, &size, NULL));
    assert_true(lw_file_write_whole(ROOT "/broken/copy.safetensors", bytes, size - 1, NULL));
    lw_free(bytes);
    expect_open_fails(ROOT "/broken", "copy.safetensors");
}

static void targets_that_are_refused(void **state)
{
    (void)state;
    struct lw_error error = {0};
    assert_true(write_model(ROOT "/taken", 0, NULL));
    assert_false(write_model(ROOT "/taken", 0, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, "already holds something"));
    check_model(ROOT "/taken");
    error = (struct lw_error){0};
    assert_false(write_model(ROOT "/taken/config.json", 0, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    error = (struct lw_error){0};
    assert_false(write_model(ROOT "/taken/config.json/x", 0, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_true(lw_folder_create(ROOT "/empty", NULL)); // an empty folder is fine
    assert_true(write_model(ROOT "/empty", 0, NULL));
    check_model(ROOT "/empty");
}

static void more_than_the_disk_holds(void **state)
{
    (void)state;
    static const struct lw_tensor_info huge[] = {
        {.name = "a", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {1 << 30, 1 << 30}}};
    struct lw_checkpoint_writer *writer;
    struct lw_error error = {0};
    const struct lw_checkpoint_params params = {ROOT "/huge", huge, 1, 0, 0, false, NULL, false};
    assert_false(lw_checkpoint_writer_create(&writer, &params, &error));
    assert_int_equal(error.status, LW_FAILED);
    assert_non_null(strstr(error.message, "not enough room"));
    assert_non_null(strstr(error.message, "GB are missing"));
    assert_null(writer);
    assert_false(lw_folder_exists(ROOT "/huge.lewin-tmp"));
    // What comes beside the tensors counts.
    const struct lw_checkpoint_params more = {
        ROOT "/huge", infos, COUNT, 0, (uint64_t)1 << 60, false, NULL, false};
    error = (struct lw_error){0};
    assert_false(lw_checkpoint_writer_create(&writer, &more, &error));
    assert_non_null(strstr(error.message, "not enough room"));
}

static void nothing_is_left_half_written(void **state)
{
    (void)state;
    struct lw_checkpoint_writer *writer;
    struct lw_error error = {0};
    const struct lw_checkpoint_params params = {
        ROOT "/half", infos, COUNT, 34, 0, false, NULL, false};
    // Abandoned.
    assert_true(lw_checkpoint_writer_create(&writer, &params, &error));
    assert_string_equal(lw_checkpoint_writer_folder(writer), ROOT "/half.lewin-tmp");
    assert_true(lw_checkpoint_writer_add(writer, data, 40, &error));
    assert_true(lw_folder_exists(ROOT "/half.lewin-tmp"));
    assert_false(lw_folder_exists(ROOT "/half"));
    lw_checkpoint_writer_destroy(writer);
    assert_false(lw_folder_exists(ROOT "/half.lewin-tmp"));
    // Finished too early.
    assert_true(lw_checkpoint_writer_create(&writer, &params, &error));
    assert_true(lw_checkpoint_writer_add(writer, data, 40, &error));
    assert_false(lw_checkpoint_writer_finish(writer, &error));
    lw_checkpoint_writer_destroy(writer);
    // Too many bytes.
    assert_true(lw_checkpoint_writer_create(&writer, &params, NULL));
    assert_true(lw_checkpoint_writer_add(writer, data, BYTES, NULL));
    assert_false(lw_checkpoint_writer_add(writer, data, 1, NULL));
    lw_checkpoint_writer_destroy(writer);
    assert_false(lw_folder_exists(ROOT "/half"));
    assert_false(lw_folder_exists(ROOT "/half.lewin-tmp"));
    // What an interrupted run left is cleared away.
    assert_true(lw_folder_create(ROOT "/half.lewin-tmp", NULL));
    assert_true(lw_file_write_whole(ROOT "/half.lewin-tmp/model.safetensors", "x", 1, NULL));
    assert_true(write_model(ROOT "/half", 0, NULL));
    check_model(ROOT "/half");
    // Names must differ.
    const struct lw_tensor_info twice[] = {infos[0], infos[1], infos[0]};
    const struct lw_checkpoint_params same = {ROOT "/same", twice, 3, 0, 0, false, NULL, false};
    assert_false(lw_checkpoint_writer_create(&writer, &same, NULL));
}

static void allocation_failures_leave_nothing(void **state)
{
    (void)state;
    bool done = false;
    for (long n = 0; !done; n++) {
        struct lw_error error = {0};
        lw_memory_fail_after(n);
        done = write_model(ROOT "/sweep", 34, &error);
        lw_memory_fail_after(-1);
        // A failure of the last sync, after the rename, leaves the whole folder.
        if (!done && lw_folder_exists(ROOT "/sweep")) {
            check_model(ROOT "/sweep");
            assert_true(lw_folder_remove(ROOT "/sweep", NULL));
        }
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
    }
    struct lw_checkpoint *checkpoint = NULL;
    for (long n = 0; !checkpoint; n++) {
        struct lw_error error = {0};
        lw_memory_fail_after(n);
        lw_checkpoint_open(&checkpoint, ROOT "/sweep", &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, checkpoint ? LW_OK : LW_NO_RESOURCE);
    }
    lw_checkpoint_close(checkpoint);
}

static void side_files_are_carried(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json", "generation_config.json", "tokenizer.json",
        "tokenizer.model", "chat_template.jinja", "merges.txt"};
    static const char *const others[] = {"README.md", "model.safetensors", "optimizer.pt"};
    assert_true(lw_folder_create(ROOT "/source/onnx.py", NULL)); // a folder, whatever its name
    struct lw_string path = {0};
    for (size_t i = 0; i < 6; i++) {
        lw_path_join(&path, ROOT "/source", names[i], NULL);
        assert_true(lw_file_write_whole(path.data, names[i], strlen(names[i]), NULL));
    }
    for (size_t i = 0; i < 3; i++) {
        lw_path_join(&path, ROOT "/source", others[i], NULL);
        assert_true(lw_file_write_whole(path.data, "other", 5, NULL));
    }
    struct lw_checkpoint_writer *writer;
    const struct lw_checkpoint_params params = {
        ROOT "/carried", infos, COUNT, 0, 0, false, NULL, false};
    assert_true(lw_checkpoint_writer_create(&writer, &params, NULL));
    assert_true(lw_checkpoint_writer_file(writer, "config.json", "mine", 4, NULL));
    assert_true(lw_checkpoint_writer_carry(writer, ROOT "/source", NULL));
    assert_true(lw_checkpoint_writer_add(writer, data, BYTES, NULL));
    assert_true(lw_checkpoint_writer_finish(writer, NULL));
    lw_checkpoint_writer_destroy(writer);
    check_model(ROOT "/carried");
    struct lw_folder_list list = {0};
    assert_true(lw_folder_list(ROOT "/carried", &list, NULL));
    assert_int_equal(list.count, 7);
    lw_folder_list_free(&list);
    char *bytes;
    size_t size;
    assert_true(lw_file_read_whole(ROOT "/carried/config.json", 100, &bytes, &size, NULL));
    assert_string_equal(bytes, "mine");
    lw_free(bytes);
    assert_true(lw_file_read_whole(ROOT "/carried/merges.txt", 100, &bytes, &size, NULL));
    assert_string_equal(bytes, "merges.txt");
    lw_free(bytes);
    lw_string_free(&path);
}

// A folder that transformers wrote: 26 bf16 tensors in three shards, 189568 bytes by its index.
static void their_folder_is_read(void **state)
{
    (void)state;
    struct lw_string path = {0};
    const char *shared = getenv("LEWIN_SHARED");
    lw_string_addf(&path, NULL, "%s/fixtures/cases/qwen2_bf16_sharded/model", shared ? shared : "");
    if (!lw_folder_exists(path.data)) {
        lw_string_free(&path);
        print_message("skipped: the shared fixtures (LEWIN_SHARED) are not here\n");
        skip();
    }
    struct lw_checkpoint *checkpoint;
    struct lw_error error = {0};
    assert_true(lw_checkpoint_open(&checkpoint, path.data, &error));
    assert_int_equal(lw_checkpoint_count(checkpoint), 26);
    assert_int_equal(lw_checkpoint_bytes(checkpoint), 189568);
    for (size_t i = 0; i < 26; i++) {
        const struct lw_tensor_info *info = lw_checkpoint_at(checkpoint, i);
        assert_int_equal(info->dtype, LW_DTYPE_BF16);
        assert_int_equal(2 * lw_tensor_elements(info), info->bytes);
        assert_ptr_equal(lw_checkpoint_find(checkpoint, info->name), info);
        char *bytes = lw_calloc(info->bytes, 1, NULL);
        assert_true(lw_checkpoint_read(checkpoint, info, 0, bytes, info->bytes, &error));
        lw_free(bytes);
    }
    lw_checkpoint_close(checkpoint);
    lw_string_free(&path);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_or_shards),
        cmocka_unit_test(folders_that_are_not_whole),
        cmocka_unit_test(targets_that_are_refused),
        cmocka_unit_test(more_than_the_disk_holds),
        cmocka_unit_test(nothing_is_left_half_written),
        cmocka_unit_test(allocation_failures_leave_nothing),
        cmocka_unit_test(side_files_are_carried),
        cmocka_unit_test(their_folder_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
