// SPDX-License-Identifier: Apache-2.0
// Checks and prepares the output folder. See output.h.
#include "trainer/output.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "trainer/data/bad_records.h"
#include "trainer/export.h"
#include "trainer/recipe.h"
#include "trainer/snapshot.h"

// What a run writes besides checkpoints and the model.
static const char *const own_files[] = {"recipe.yaml", "trainer_log.jsonl", "training_loss.svg",
    LW_TRAINER_STATE_FILE, LW_BAD_RECORDS_FILE, "train_results.json", "eval_results.json",
    "all_results.json"};

// There while a run has the folder, and after one that was killed.
#define LOCK_FILE "lewin.lock"

// The rest of `name` after `beginning`; NULL when it begins otherwise.
static const char *after(const char *name, const char *beginning)
{
    size_t length = strlen(beginning);
    return strncmp(name, beginning, length) ? NULL : name + length;
}

static bool is_own_file(const char *name)
{
    for (size_t i = 0; i < sizeof own_files / sizeof *own_files; i++) {
        if (!strcmp(name, own_files[i])) {
            return true;
        }
    }
    return false;
}

// Left where a run was killed while it wrote one of its files (engine/base/file.h), a checkpoint or
// the model, or removed a checkpoint.
static bool is_unfinished(const char *name)
{
    const char *rest = after(name, "checkpoint-");
    rest = rest ? rest + strspn(rest, "0123456789") : after(name, LW_EXPORT_FOLDER);
    bool unfinished = rest && !strcmp(rest, LW_SNAPSHOT_UNFINISHED);
    for (size_t i = 0; !unfinished && i < sizeof own_files / sizeof *own_files; i++) {
        rest = after(name, own_files[i]);
        unfinished = rest && !strcmp(rest, ".tmp");
    }
    return unfinished;
}

// Without a checkpoint, only what an interrupted run left may be there.
static bool check_unused(const char *output, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    bool done = lw_folder_list(output, &list, error);
    bool moving = false;
    for (size_t i = 0; i < list.count; i++) {
        moving = moving || !strcmp(list.names[i], LW_EXPORT_FOLDER);
    }
    // Where a model was being moved, the files are its.
    for (size_t i = 0; done && !moving && i < list.count; i++) {
        const char *name = list.names[i];
        if (!is_own_file(name) && !is_unfinished(name) && strcmp(name, LOCK_FILE) != 0) {
            done = lw_fail(error, LW_BAD_INPUT,
                "output_dir: %s already holds %s and no checkpoint to resume from; choose another "
                "folder, or set overwrite_output_dir: true",
                output, list.names[i]);
        }
    }
    lw_folder_list_free(&list);
    return done;
}

// Shows now, and not after the first hours, that nothing can be written there, or that it would go
// over the model that is trained: a file that comes to be in the one folder must not be in the other.
static bool check_writable(const struct lw_recipe *recipe, struct lw_error *error)
{
    struct lw_string path = {0}, seen = {0};
    struct lw_file *file = NULL;
    bool done = lw_path_join(&path, recipe->output_dir, "recipe.yaml.tmp", error) &&
                lw_path_join(&seen, recipe->model_name_or_path, "recipe.yaml.tmp", error);
    bool before = done && lw_file_exists(seen.data);
    done = done && lw_file_open(&file, path.data, LW_FILE_CREATE, error);
    bool same = done && !before && lw_file_exists(seen.data);
    lw_file_close(file);
    done = done && lw_file_remove(path.data, error);
    if (done && same) {
        done = lw_fail(error, LW_BAD_INPUT,
            "%s is also model_name_or_path, which would be overwritten; choose another folder",
            recipe->output_dir);
    }
    lw_string_free(&path);
    lw_string_free(&seen);
    return done;
}

// `newest`: the step of the newest checkpoint in the output folder, 0 when it has none.
static bool choose_checkpoint(const struct lw_recipe *recipe, uint64_t newest, char *resumed,
    size_t size, struct lw_error *error)
{
    const char *wanted = recipe->resume_from_checkpoint;
    *resumed = 0;
    if (wanted && !strcmp(wanted, "true") && !newest) {
        return lw_fail(error, LW_BAD_INPUT, "resume_from_checkpoint: there is no checkpoint in %s",
            recipe->output_dir);
    }
    if (wanted && !strcmp(wanted, "false") && newest) {
        return lw_fail(error, LW_BAD_INPUT,
            "output_dir: %s holds checkpoints, which resume_from_checkpoint: false leaves unused; "
            "choose another folder, or set overwrite_output_dir: true",
            recipe->output_dir);
    }
    if (wanted && strcmp(wanted, "true") != 0 && strcmp(wanted, "false") != 0) {
        snprintf(resumed, size, "%s", wanted);
    } else if (newest) {
        lw_snapshot_path(resumed, size, recipe->output_dir, newest);
    }
    return true;
}

// A run that ends takes the file away: a lock on what is no longer there keeps nobody out.
static bool take_lock(const char *output, struct lw_file **lock, struct lw_error *error)
{
    struct lw_string path = {0};
    bool locked = false, done = lw_path_join(&path, output, LOCK_FILE, error);
    while (done && !*lock) {
        done = lw_file_open(lock, path.data, LW_FILE_CREATE, error) &&
               lw_file_lock(*lock, &locked, error);
        if (done && !locked) {
            done = lw_fail(error, LW_FAILED,
                "another run is writing to %s; wait until it ends, stop it, or choose another "
                "output_dir",
                output);
        } else if (done && !lw_file_exists(path.data)) {
            lw_file_close(*lock);
            *lock = NULL;
        }
    }
    if (!done) {
        lw_file_close(*lock);
        *lock = NULL;
    }
    lw_string_free(&path);
    return done;
}

void lw_output_unlock(struct lw_file *lock)
{
    if (lock) {
        (void)lw_file_remove(lw_file_path(lock), NULL);
        lw_file_close(lock);
    }
}

bool lw_output_prepare(const struct lw_recipe *recipe, char *resumed, size_t size,
    struct lw_file **lock, struct lw_error *error)
{
    const char *output = recipe->output_dir;
    uint64_t newest;
    *resumed = 0;
    if (!lw_folder_create(output, error) || !take_lock(output, lock, error) ||
        !check_writable(recipe, error)) {
        return lw_fail_in(error, "output_dir");
    }
    return recipe->overwrite_output_dir ||
           (lw_snapshot_newest(output, &newest, error) &&
               choose_checkpoint(recipe, newest, resumed, size, error) &&
               (newest || check_unused(output, error)));
}

static bool record_recipe(const struct lw_recipe *recipe, struct lw_error *error)
{
    struct lw_string path = {0}, text = {0};
    bool done = lw_path_join(&path, recipe->output_dir, "recipe.yaml", error) &&
                lw_recipe_print(recipe, &text, error) &&
                lw_file_write_whole(path.data, text.data, text.length, error);
    lw_string_free(&path);
    lw_string_free(&text);
    return done;
}

bool lw_output_begin(const struct lw_recipe *recipe, struct lw_error *error)
{
    const char *output = recipe->output_dir;
    bool anew = recipe->overwrite_output_dir;
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    bool done =
        (!anew || lw_snapshot_prune(output, 0, error)) && lw_folder_list(output, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        if (is_unfinished(list.names[i]) || (anew && is_own_file(list.names[i]))) {
            done = lw_path_join(&path, output, list.names[i], error) &&
                   lw_folder_remove(path.data, error);
        }
    }
    lw_folder_list_free(&list);
    lw_string_free(&path);
    return done && record_recipe(recipe, error);
}
