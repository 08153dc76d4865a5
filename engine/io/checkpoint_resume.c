// SPDX-License-Identifier: Apache-2.0
// Going on with a folder that an earlier run has begun: shards get their names when they are whole
// and on the disk, so those that have them need not be made again.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/io/checkpoint_private.h"

// Begins with a dot: it is no part of a model.
static const char key_file[] = ".lewin-resume";
static const size_t KEY_BYTES = (size_t)64 << 20;

static bool key_path(
    const struct lw_checkpoint_writer *writer, struct lw_string *path, struct lw_error *error)
{
    return lw_path_join(path, lw_string_text(&writer->beside), key_file, error);
}

bool lw_checkpoint_can_resume(
    const struct lw_checkpoint_writer *writer, const char *key, bool *can, struct lw_error *error)
{
    struct lw_string path = {0};
    char *text = NULL;
    size_t size;
    *can = false;
    bool done = key_path(writer, &path, error);
    if (done && lw_file_exists(lw_string_text(&path))) {
        done = lw_file_read_whole(lw_string_text(&path), KEY_BYTES, &text, &size, error);
        *can = done && strcmp(text, key) == 0;
        if (done && !*can) {
            done = lw_fail(error, LW_BAD_INPUT,
                "%s was begun with other models, another recipe or other settings, and cannot be "
                "gone "
                "on with; put those back, or leave --resume out to begin anew",
                lw_string_text(&writer->beside));
        }
    }
    lw_free(text);
    lw_string_free(&path);
    return done;
}

bool lw_checkpoint_keep(
    struct lw_checkpoint_writer *writer, const char *key, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = key_path(writer, &path, error) &&
                lw_file_write_whole(lw_string_text(&path), key, strlen(key), error);
    lw_string_free(&path);
    writer->keeps = done;
    return done;
}

// Whether `name` is one of the first `count` shards.
static bool is_whole(const struct lw_checkpoint_writer *writer, const char *name, size_t count)
{
    struct lw_string shard = {0};
    bool found = false;
    for (size_t i = 0; !found && i < count; i++) {
        found = lw_checkpoint_shard_name(writer, i, &shard, NULL) &&
                strcmp(lw_string_text(&shard), name) == 0;
    }
    lw_string_free(&shard);
    return found;
}

static bool remove_others(
    const struct lw_checkpoint_writer *writer, size_t whole, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    bool done = lw_folder_list(lw_string_text(&writer->beside), &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        const char *name = list.names[i];
        done = strcmp(name, key_file) == 0 || is_whole(writer, name, whole) ||
               (lw_path_join(&path, lw_string_text(&writer->beside), name, error) &&
                   lw_folder_remove(lw_string_text(&path), error));
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
    return done;
}

bool lw_checkpoint_resume(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_string name = {0}, path = {0};
    size_t whole = 0;
    bool done = true;
    for (bool there = true; done && there && whole < writer->shard_count; whole += there) {
        done = lw_checkpoint_shard_name(writer, whole, &name, error) &&
               lw_path_join(&path, lw_string_text(&writer->beside), lw_string_text(&name), error);
        there = done && lw_file_exists(lw_string_text(&path));
    }
    lw_string_free(&name);
    lw_string_free(&path);
    writer->current = whole;
    while (writer->tensor < writer->count && writer->shard_of[writer->tensor] < whole) {
        writer->tensor++;
    }
    writer->resumed = writer->tensor;
    writer->keeps = true;
    return done && remove_others(writer, whole, error);
}

bool lw_checkpoint_forget(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = !writer->keeps ||
                (key_path(writer, &path, error) && lw_file_remove(lw_string_text(&path), error));
    lw_string_free(&path);
    return done;
}
