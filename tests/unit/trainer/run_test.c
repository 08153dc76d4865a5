// SPDX-License-Identifier: Apache-2.0
// A whole training run, with a checkpoint and a measurement in it, in which one host allocation
// after another fails: always a clear end, never a leak or a crash, and a folder from which the next
// run goes on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/gpu/device.h"
#include "engine/gpu/instance.h"
#include "engine/model/init.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/loop.h"

enum { many = 1000000, tries = 80 };

static struct lw_instance *instance;
static struct lw_device *device;
static struct lw_recipe recipe;
static char *model, *data, *output, *cache;

static const char config[] =
    "{\"architectures\": [\"Qwen2ForCausalLM\"], \"hidden_size\": 16, \"intermediate_size\": 24,"
    "\"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"num_hidden_layers\": 1,"
    "\"vocab_size\": 512, \"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\"}";
#define RECORD                                                                                     \
    "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi.\"},"                              \
    "{\"from\": \"gpt\", \"value\": \"Hello.\"}]}\n"
static const char records[] = RECORD RECORD RECORD RECORD;

static bool load_recipe(struct lw_error *error)
{
    char lines[5][512];
    snprintf(lines[0], sizeof lines[0], "model_name_or_path=%s", model);
    snprintf(lines[1], sizeof lines[1], "dataset=%s", data);
    snprintf(lines[2], sizeof lines[2], "output_dir=%s", output);
    const char *assignments[] = {lines[0], lines[1], lines[2], "template=qwen",
        "global_batch_size=1", "max_steps=3", "save_steps=2", "val_size=1", "logging_steps=1",
        "preprocessing_num_workers=1", "eval_steps=2"};
    return lw_recipe_load(
        &recipe, NULL, assignments, sizeof assignments / sizeof *assignments, error);
}

static int set_up(void **state)
{
    (void)state;
    char tokenizer[1024];
    const char *test_data = getenv("LEWIN_TEST_DATA");
    snprintf(tokenizer, sizeof tokenizer, "%s/tokenizers/qwen2", test_data ? test_data : "");
    model = scratch_path("run_test_model");
    output = scratch_path("run_test_output");
    cache = scratch_path("run_test_cache");
    data = scratch_file("run_test_data.json", records);
    const struct lw_init_tokenizer words = {tokenizer, 488, -1, -1};
    const struct lw_init_params init = {
        .config = config, .name = "config", .output = model, .tokenizer = &words};
    const char *validation = getenv("LEWIN_VALIDATION");
    struct lw_error error = {0};
    bool done =
        lw_instance_create(&instance,
            &(struct lw_instance_params){.validation = validation && *validation}, &error) &&
        lw_device_create(&device, instance, &(struct lw_device_params){0}, &error) &&
        lw_model_init(&init, NULL, &error) && load_recipe(&error);
    if (!done) {
        print_message("%s\n", error.message);
    }
    return done ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    lw_device_destroy(device);
    unsigned messages = lw_instance_message_count(instance);
    lw_instance_destroy(instance);
    lw_recipe_free(&recipe);
    lw_folder_remove(model, NULL);
    lw_folder_remove(output, NULL);
    lw_folder_remove(cache, NULL);
    free(cache);
    free(model);
    free(output);
    scratch_free(data);
    return messages ? 1 : 0;
}

static bool never(void)
{
    return false;
}

static void ignore(void *context, const struct lw_event *event)
{
    (void)context;
    (void)event;
}

static bool run(struct lw_error *error)
{
    const struct lw_run_params params = {.recipe = &recipe,
        .device = device,
        .cache_folder = cache,
        .stopping = never,
        .event = ignore};
    *error = (struct lw_error){0};
    return lw_run(&params, error);
}

// Host allocations of a whole run: those of `many` that are left when it is over.
static long count_allocations(void)
{
    struct lw_error error;
    long left = 0;
    lw_memory_fail_after(many);
    bool done = run(&error);
    for (void *memory; (memory = lw_calloc(1, 1, NULL)) != NULL; left++) {
        lw_free(memory);
    }
    lw_memory_fail_after(-1);
    if (!done) {
        fail_msg("%s", error.message);
    }
    return many - left;
}

static void steps_allocate_nothing(void **state)
{
    (void)state;
    const struct lw_recipe kept = recipe;
    long allocations[3];
    recipe.save_strategy = LW_STRATEGY_NO;
    recipe.eval_steps = 0;
    lw_clock_sleep(2.1); // until what is known of the data's file is remembered: see stamps.h
    recipe.logging_steps = 100;   // the chart at the end has one point then
    for (int i = 0; i < 3; i++) { // the first one compiles the kernels too
        recipe.max_steps = i == 1 ? 40 : 80;
        assert_true(lw_folder_remove(output, NULL) && lw_folder_remove(cache, NULL));
        allocations[i] = count_allocations();
    }
    recipe = kept;
    assert_true(lw_folder_remove(output, NULL));
    assert_int_equal(allocations[1], allocations[2]);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t held = lw_device_memory_held(device);
    long total = count_allocations();
    print_message("%ld allocations in a run\n", total);
    for (long i = 0; i < tries; i++) {
        struct lw_error error, after;
        long failing = i * total / tries + i % 7;
        assert_true(lw_folder_remove(output, NULL));
        lw_memory_fail_after(failing);
        bool done = run(&error);
        lw_memory_fail_after(-1);
        assert_true(lw_device_memory_held(device) == held);
        // What is optional may do without.
        if (!done && (error.status != LW_NO_RESOURCE || !error.message[0])) {
            fail_msg("allocation %ld: status %d: %s", failing, (int)error.status, error.message);
        }
        if (!done && i % 8 == 0 && !run(&after)) {
            fail_msg("after allocation %ld: %s", failing, after.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_allocate_nothing), cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
