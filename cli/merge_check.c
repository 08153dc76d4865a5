// SPDX-License-Identifier: Apache-2.0
// See merge_check.h.
#include "cli/merge_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/interrupt.h"
#include "cli/merge_watch.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "merger/card.h"
#include "merger/recompute.h"
#include "merger/verify.h"

static void show_file(void *context, const struct lw_merge_verified *file)
{
    static const char *const states[] = {[LW_MERGE_FILE_SAME] = "same",
        [LW_MERGE_FILE_CHANGED] = "CHANGED",
        [LW_MERGE_FILE_MISSING] = "MISSING",
        [LW_MERGE_FILE_UNKNOWN] = "same size",
        [LW_MERGE_FILE_EXTRA] = "EXTRA"};
    (void)context;
    printf("%-9s  %s/%s%s\n", states[file->state], file->folder, file->name,
        file->input ? " (input)" : "");
}

static bool stopping(void *context)
{
    (void)context;
    return lw_interrupt_requested();
}

static bool make_plan(struct lw_merge_plan **plan, struct lw_merge_recipe **recipe,
    const char *folder, uint64_t seed, struct lw_error *error)
{
    struct lw_string path = {0}, problems = {0};
    bool made = lw_path_join(&path, folder, LW_MERGE_RECIPE_FILE, error) &&
                lw_merge_recipe_read(recipe, lw_string_text(&path), NULL, error) &&
                lw_merge_plan_create(plan,
                    &(struct lw_merge_params){.recipe = *recipe, .seed = &seed}, &problems, error);
    fputs(lw_string_text(&problems), stderr);
    lw_string_free(&path);
    lw_string_free(&problems);
    return made;
}

static bool compare(const char *folder, const struct lw_merge_plan *plan,
    const struct lw_device_options *options, struct lw_error *error)
{
    struct lw_session session;
    struct lw_merge_recomputed recomputed;
    if (!lw_session_open(&session, options, error)) {
        return false;
    }
    struct lw_merge_watch watch = lw_merge_watch_start("merging again");
    const struct lw_merge_recompute_params params = {
        .folder = folder, .progress = lw_merge_watch_show, .context = &watch};
    bool same = lw_merge_recompute(plan, session.device, &params, &recomputed, error);
    double seconds = lw_merge_watch_end(&watch);
    same = lw_session_close(&session, same, error);
    if (same && recomputed.differing) {
        printf("merged again in %.2f s: %" PRIu64 " of %" PRIu64
               " elements differ by rounding, by %.3g at most\n",
            seconds, recomputed.differing, recomputed.elements, recomputed.largest);
    } else if (same) {
        printf("merged again in %.2f s: all %" PRIu64 " elements are the same\n", seconds,
            recomputed.elements);
    }
    return same;
}

bool lw_merge_check(
    const char *folder, const struct lw_device_options *options, struct lw_error *error)
{
    struct lw_merge_recipe *recipe = NULL;
    struct lw_merge_plan *plan = NULL;
    struct lw_merge_verdict verdict;
    lw_interrupt_catch();
    const struct lw_merge_verify_params params = {
        .folder = folder, .file = show_file, .stopping = stopping};
    if (!lw_merge_verify(&params, &verdict, error)) {
        return false;
    }
    if (verdict.inputs_changed || !verdict.inputs) {
        printf("not merged again: %zu of the %zu files that went in are not what they were\n",
            verdict.inputs_changed, verdict.inputs);
        return true;
    }
    bool same = make_plan(&plan, &recipe, folder, verdict.seed, error) &&
                compare(folder, plan, options, error);
    lw_merge_plan_destroy(plan);
    lw_merge_recipe_destroy(recipe);
    return same;
}
