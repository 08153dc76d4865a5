// SPDX-License-Identifier: Apache-2.0
// See resume_key.h.
#include "merger/resume_key.h"

#include "engine/base/file.h"
#include "engine/base/folder.h"

static bool add_folder(struct lw_string *key, const char *folder, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    bool done = lw_folder_list(folder, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        struct lw_file_stamp stamp;
        done = lw_path_join(&path, folder, list.names[i], error);
        if (done && lw_file_exists(lw_string_text(&path))) {
            done = lw_file_stamp(lw_string_text(&path), &stamp, error) &&
                   lw_string_addf(key, error, "%s %llu %lld\n", lw_string_text(&path),
                       (unsigned long long)stamp.size, (long long)stamp.modified);
        }
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
    return done;
}

bool lw_merge_resume_key(struct lw_string *key, const struct lw_merge_plan *plan,
    const struct lw_merge_run_params *params, struct lw_error *error)
{
    bool done = lw_string_addf(key, error, "lewin %s\nseed %llu\nshard %llu\nnonfinite %d\n%s\n",
        LW_VERSION, (unsigned long long)plan->seed, (unsigned long long)params->shard_bytes,
        params->allow_nonfinite, plan->recipe->text);
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        const struct lw_merge_parent *parent = &plan->parents[i];
        done = add_folder(key, parent->folder, error) &&
               (!parent->adapter || add_folder(key, parent->adapter, error));
    }
    return done;
}
