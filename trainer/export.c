// SPDX-License-Identifier: Apache-2.0
// Writes the final model and moves it into the output folder. See export.h.
#include "trainer/export.h"

#include <string.h>

#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "trainer/snapshot.h"

// By it a folder is known as a model: the first file to go and the last to come.
#define CONFIG "config.json"

static bool move_file(const char *from, const char *to, const char *name, struct lw_error *error)
{
    struct lw_string old = {0}, new = {0};
    bool done = lw_path_join(&old, from, name, error) && lw_path_join(&new, to, name, error) &&
                lw_file_rename(old.data, new.data, error);
    lw_string_free(&old);
    lw_string_free(&new);
    return done;
}

static bool remove_file(const char *folder, const char *name, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = lw_path_join(&path, folder, name, error) && lw_folder_remove(path.data, error);
    lw_string_free(&path);
    return done;
}

static bool is_weights(const char *name)
{
    const char *end = strrchr(name, '.');
    return !strcmp(name, "model.safetensors.index.json") ||
           (!strncmp(name, "model", 5) && end && !strcmp(end, ".safetensors"));
}

// An earlier model may have had other shards, which nothing would replace.
static bool remove_model(const char *output, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    bool done = remove_file(output, CONFIG, error) && lw_folder_list(output, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        done = !is_weights(list.names[i]) || remove_file(output, list.names[i], error);
    }
    lw_folder_list_free(&list);
    return done;
}

static bool move_model(const char *from, const char *to, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    bool done = lw_folder_list(from, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        done = !strcmp(list.names[i], CONFIG) || move_file(from, to, list.names[i], error);
    }
    lw_folder_list_free(&list);
    return done && move_file(from, to, CONFIG, error);
}

bool lw_export(const char *output, const struct lw_training *training,
    const struct lw_checkpoint *base, struct lw_error *error)
{
    struct lw_string whole = {0};
    bool done = lw_path_join(&whole, output, LW_EXPORT_FOLDER, error) &&
                lw_snapshot_save(whole.data, training, base, NULL, NULL, error) &&
                remove_model(output, error) && move_model(whole.data, output, error) &&
                lw_folder_remove(whole.data, error);
    lw_string_free(&whole);
    return done;
}
