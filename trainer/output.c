// SPDX-License-Identifier: Apache-2.0
// Checks and prepares the output folder. See output.h.
#include "trainer/output.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "trainer/recipe.h"
#include "trainer/snapshot.h"

// What a run writes before its first checkpoint.
static const char *const early_files[] = {"trainer_log.jsonl", "recipe.yaml"};

static bool is_early(const char *name)
{
    for (size_t i = 0; i < sizeof early_files / sizeof *early_files; i++) {
        if (!strcmp(name, early_files[i])) {
            return true;
        }
    }
    return false;
}

static bool remove_old_run(const char *output, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = lw_snapshot_prune(output, 0, error);
    for (size_t i = 0; done && i < sizeof early_files / sizeof *early_files; i++) {
        lw_string_clear(&path);
        done = lw_string_addf(&path, error, "%s/%s", output, early_files[i]) &&
               (!lw_file_exists(path.data) || lw_file_remove(path.data, error));
    }
    lw_string_free(&path);
    return done;
}

// Without a checkpoint, only what an interrupted beginning left may be there.
static bool check_unused(const char *output, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    bool done = lw_folder_list(output, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        // A checkpoint that was being written when the run was killed ends in -tmp.
        const char *name = list.names[i];
        bool unfinished = !strncmp(name, "checkpoint-", 11) && strstr(name, ".lewin-tmp");
        if (!is_early(name) && !unfinished) {
            done = lw_fail(error, LW_BAD_INPUT,
                "output_dir: %s already holds %s and no checkpoint to resume from; choose another "
                "folder, or set overwrite_output_dir: true",
                output, name);
        }
    }
    lw_folder_list_free(&list);
    return done;
}

static bool find_checkpoint(
    const struct lw_recipe *recipe, char *resumed, size_t size, struct lw_error *error)
{
    const char *wanted = recipe->resume_from_checkpoint;
    bool automatic = !wanted || !strcmp(wanted, "true");
    uint64_t step = 0;
    *resumed = 0;
    if (automatic && !lw_snapshot_newest(recipe->output_dir, &step, error)) {
        return false;
    }
    if (step) {
        lw_snapshot_path(resumed, size, recipe->output_dir, step);
    } else if (wanted && !automatic && strcmp(wanted, "false") != 0) {
        snprintf(resumed, size, "%s", wanted);
    } else if (wanted && automatic) {
        return lw_fail(error, LW_BAD_INPUT, "resume_from_checkpoint: there is no checkpoint in %s",
            recipe->output_dir);
    }
    return true;
}

static bool record_recipe(const struct lw_recipe *recipe, struct lw_error *error)
{
    struct lw_string path = {0}, text = {0};
    bool done = lw_string_addf(&path, error, "%s/recipe.yaml", recipe->output_dir) &&
                lw_recipe_print(recipe, &text, error) &&
                lw_file_write_whole(path.data, text.data, text.length, error);
    lw_string_free(&path);
    lw_string_free(&text);
    return done;
}

bool lw_output_prepare(
    const struct lw_recipe *recipe, char *resumed, size_t size, struct lw_error *error)
{
    const char *output = recipe->output_dir;
    if (!lw_folder_create(output, error)) {
        return lw_fail_in(error, "output_dir");
    }
    if (recipe->overwrite_output_dir) {
        *resumed = 0;
        return remove_old_run(output, error) && record_recipe(recipe, error);
    }
    return find_checkpoint(recipe, resumed, size, error) &&
           (*resumed || check_unused(output, error)) && record_recipe(recipe, error);
}
