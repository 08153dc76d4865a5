// SPDX-License-Identifier: Apache-2.0
// Planning and running a merge of two small models: interruption, and every allocation
// failing once. What a merge computes and refuses is tested through the command line
// (tests/cli/merge_test.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/model/init.h"
#include "engine/model/presets.h"
#include "merger/recompute.h"
#include "merger/run.h"
#include "merger/verify.h"

static struct lw_instance *instance;
static struct lw_device *device;
static char left[64], right[64], output[64], beside[80];

// Merges to params->output, or, without that, compares `output` with the same merge.
static bool merge(const double *weights, struct lw_merge_run_params *params, struct lw_error *error)
{
    const char *const folders[] = {left, right};
    struct lw_merge_recipe *recipe = NULL;
    struct lw_merge_plan *plan = NULL;
    struct lw_string problems = {0};
    bool merged =
        lw_merge_recipe_simple(&recipe,
            &(struct lw_merge_simple){.models = folders, .count = 2, .weights = weights}, error) &&
        lw_merge_plan_create(
            &plan, &(struct lw_merge_params){.recipe = recipe}, &problems, error) &&
        (params->output ? lw_merge_run(plan, device, params, error)
                        : lw_merge_recompute(plan, device,
                              &(struct lw_merge_recompute_params){.folder = output},
                              &(struct lw_merge_recomputed){0}, error));
    lw_merge_plan_destroy(plan);
    lw_merge_recipe_destroy(recipe);
    lw_string_free(&problems);
    return merged;
}

struct stop {
    uint64_t calls, last;
};

static bool stop_third(void *context, uint64_t done, uint64_t total)
{
    struct stop *stop = context;
    assert_true(done > stop->last && done <= total);
    stop->last = done;
    return ++stop->calls < 3;
}

static void interruption_leaves_nothing(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct stop stop = {0};
    struct lw_merge_run_params params = {
        .output = output, .progress = stop_third, .context = &stop};
    assert_false(merge(NULL, &params, &error));
    assert_int_equal(error.status, LW_INTERRUPTED);
    assert_int_equal(stop.calls, 3);
    assert_false(lw_folder_exists(output) || lw_folder_exists(beside));
}

static void count_file(void *context, const struct lw_merge_verified *file)
{
    size_t *count = context;
    *count += file->state == LW_MERGE_FILE_SAME;
}

static void verify_survives_it_too(void)
{
    bool verified = false;
    size_t count = 0;
    const struct lw_merge_verify_params params = {
        .folder = output, .file = count_file, .context = &count};
    for (long successes = 0; !verified; successes++) {
        struct lw_error error = {0};
        count = 0;
        lw_memory_fail_after(successes);
        verified = lw_merge_verify(&params, &(struct lw_merge_verdict){0}, &error);
        lw_memory_fail_after(-1);
        assert_true(verified || error.status == LW_NO_RESOURCE);
    }
    assert_true(count > 6);
}

static void survives_lack_of_memory_again(void)
{
    bool same = false;
    for (long successes = 0; !same; successes += successes < 40 ? 1 : 11) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        same = merge(NULL, &(struct lw_merge_run_params){0}, &error);
        lw_memory_fail_after(-1);
        assert_true(same || error.status == LW_NO_RESOURCE);
    }
}

// The first failures one by one, later ones in steps: there is one per tensor and part.
static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool merged = false;
    for (long successes = 0; !merged; successes += successes < 40 ? 1 : 11) {
        struct lw_error error = {0};
        struct lw_merge_run_params params = {.output = output};
        lw_memory_fail_after(successes);
        merged = merge(NULL, &params, &error);
        lw_memory_fail_after(-1);
        assert_true(merged || error.status == LW_NO_RESOURCE);
        assert_true(lw_folder_exists(output) == merged);
    }
    assert_false(lw_folder_exists(beside));
    verify_survives_it_too();
    survives_lack_of_memory_again();
    assert_true(lw_folder_remove(output, NULL));
}

static bool make_model(const char *folder, uint64_t seed, struct lw_error *error)
{
    struct lw_string config = {0};
    bool made =
        lw_preset_config(lw_preset_find("tiny"), &config, error) &&
        lw_model_init(
            &(struct lw_init_params){
                .config = lw_string_text(&config), .name = "tiny", .output = folder, .seed = seed},
            NULL, error);
    lw_string_free(&config);
    return made;
}

static void init_survives_lack_of_memory(void **state)
{
    (void)state;
    bool made = false;
    for (long successes = 0; !made; successes += successes < 40 ? 1 : 11) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        made = make_model(output, 3, &error);
        lw_memory_fail_after(-1);
        assert_true(made || error.status == LW_NO_RESOURCE);
        assert_true(lw_folder_exists(output) == made);
    }
    assert_true(lw_folder_remove(output, NULL));
}

int main(void)
{
    struct lw_error error = {0};
    char root[] = "merge_test.tmp";
    snprintf(left, sizeof left, "%s/left", root);
    snprintf(right, sizeof right, "%s/right", root);
    snprintf(output, sizeof output, "%s/output", root);
    snprintf(beside, sizeof beside, "%s.lewin-tmp", output);
    struct lw_instance_params params = {.validation = getenv("LEWIN_VALIDATION") != NULL};
    if (!lw_folder_remove(root, &error) || !make_model(left, 1, &error) ||
        !make_model(right, 2, &error) || !lw_instance_create(&instance, &params, &error) ||
        !lw_device_create(&device, instance, &(struct lw_device_params){0}, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interruption_leaves_nothing),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(init_survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += lw_instance_message_count(instance) != 0;
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    lw_folder_remove(root, NULL);
    return failed;
}
