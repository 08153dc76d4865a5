// SPDX-License-Identifier: Apache-2.0
// Any bytes as the index of a model folder whose two shards are sound: whatever is accepted names
// these shards and nothing outside the folder.
#include <string.h>

#include "engine/base/folder.h"
#include "engine/io/checkpoint.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#define FOLDER "index_fuzz.tmp"

static void write_shard(const char *path, const char *name)
{
    struct lw_tensor_info info = {.name = name, .dtype = LW_DTYPE_F32, .rank = 1, .shape = {2}};
    static const float values[2] = {1, 2};
    struct lw_safetensors_writer *writer;
    bool done = lw_safetensors_writer_create(&writer, path, &info, 1, false, NULL) &&
                lw_safetensors_writer_add(writer, values, sizeof values, NULL) &&
                lw_safetensors_writer_finish(writer, NULL);
    assert(done);
    (void)done;
    lw_safetensors_writer_destroy(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!lw_file_exists(FOLDER "/model-00002-of-00002.safetensors")) {
        bool done = lw_folder_remove(FOLDER, NULL) && lw_folder_create(FOLDER, NULL);
        assert(done);
        (void)done;
        write_shard(FOLDER "/model-00001-of-00002.safetensors", "a");
        write_shard(FOLDER "/model-00002-of-00002.safetensors", "b");
    }
    scratch_write(FOLDER "/model.safetensors.index.json", bytes, size);
    struct lw_checkpoint *checkpoint;
    struct lw_error error = {0};
    if (!lw_checkpoint_open(&checkpoint, FOLDER, &error)) {
        assert(error.status == LW_BAD_INPUT);
        return 0;
    }
    size_t count = lw_checkpoint_count(checkpoint);
    assert(count == 1 || count == 2);
    assert(lw_checkpoint_bytes(checkpoint) == 8 * count);
    for (size_t i = 0; i < count; i++) {
        const struct lw_tensor_info *info = lw_checkpoint_at(checkpoint, i);
        assert(strcmp(info->name, "a") == 0 || strcmp(info->name, "b") == 0);
        float values[2];
        bool read = lw_checkpoint_read(checkpoint, info, 0, values, sizeof values, NULL);
        assert(read && values[1] == 2);
        (void)read;
    }
    lw_checkpoint_close(checkpoint);
    return 0;
}
