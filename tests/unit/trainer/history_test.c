// SPDX-License-Identifier: Apache-2.0
// trainer/history and trainer_state: the files equal those that transformers writes, letter for
// letter, and read back to the same entries.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/trainer_state.h"

// What save_to_json of transformers 5.12.1's TrainerState wrote with these values and a
// TrainerControl(should_save=True) as its callback.
static const char expected_state[] = "{\n"
                                     "  \"best_global_step\": null,\n"
                                     "  \"best_metric\": null,\n"
                                     "  \"best_model_checkpoint\": null,\n"
                                     "  \"epoch\": 1.5,\n"
                                     "  \"eval_steps\": 500,\n"
                                     "  \"global_step\": 6,\n"
                                     "  \"is_hyper_param_search\": false,\n"
                                     "  \"is_local_process_zero\": true,\n"
                                     "  \"is_world_process_zero\": true,\n"
                                     "  \"log_history\": [\n"
                                     "    {\n"
                                     "      \"epoch\": 0.75,\n"
                                     "      \"grad_norm\": 1.25,\n"
                                     "      \"learning_rate\": 5e-06,\n"
                                     "      \"loss\": 2.4837405681610107,\n"
                                     "      \"step\": 3\n"
                                     "    },\n"
                                     "    {\n"
                                     "      \"epoch\": 1.5,\n"
                                     "      \"eval_loss\": 2.5,\n"
                                     "      \"eval_runtime\": 0.0625,\n"
                                     "      \"eval_samples_per_second\": 300.0,\n"
                                     "      \"eval_steps_per_second\": 37.5,\n"
                                     "      \"step\": 6\n"
                                     "    }\n"
                                     "  ],\n"
                                     "  \"logging_steps\": 3,\n"
                                     "  \"max_steps\": 8,\n"
                                     "  \"num_input_tokens_seen\": 1234,\n"
                                     "  \"num_train_epochs\": 2,\n"
                                     "  \"save_steps\": 6,\n"
                                     "  \"stateful_callbacks\": {\n"
                                     "    \"TrainerControl\": {\n"
                                     "      \"args\": {\n"
                                     "        \"should_epoch_stop\": false,\n"
                                     "        \"should_evaluate\": false,\n"
                                     "        \"should_log\": false,\n"
                                     "        \"should_save\": true,\n"
                                     "        \"should_training_stop\": false\n"
                                     "      },\n"
                                     "      \"attributes\": {}\n"
                                     "    }\n"
                                     "  },\n"
                                     "  \"total_flos\": 1.5e+18,\n"
                                     "  \"train_batch_size\": 2,\n"
                                     "  \"trial_name\": null,\n"
                                     "  \"trial_params\": null\n"
                                     "}\n";

static void fill(struct lw_history *history)
{
    struct lw_history_entry first = lw_history_nothing(), second = first;
    first.step = 3;
    first.epoch = 0.75;
    first.loss = 2.4837405681610107;
    first.grad_norm = 1.25;
    first.learning_rate = 5e-6;
    second.step = 6;
    second.epoch = 1.5;
    second.eval_loss = 2.5;
    second.eval_runtime = 0.0625;
    second.eval_samples_per_second = 300;
    second.eval_steps_per_second = 37.5;
    assert_true(lw_history_add(history, &first, NULL) && lw_history_add(history, &second, NULL));
}

static struct lw_trainer_state state_of(const struct lw_history *history)
{
    return (struct lw_trainer_state){.global_step = 6,
        .max_steps = 8,
        .saved_step = 6,
        .logging_steps = 3,
        .eval_steps = 500,
        .save_steps = 6,
        .num_train_epochs = 2,
        .num_input_tokens_seen = 1234,
        .train_batch_size = 2,
        .epoch = 1.5,
        .total_flos = 1.5e18,
        .history = history};
}

static void state_equals_transformers(void **state)
{
    (void)state;
    struct lw_history history = {0};
    struct lw_string text = {0};
    fill(&history);
    struct lw_trainer_state values = state_of(&history);
    assert_true(lw_trainer_state_print(&values, &text, NULL));
    assert_string_equal(text.data, expected_state);
    lw_string_free(&text);
    lw_history_free(&history);
}

static void history_reads_back(void **state)
{
    (void)state;
    char *folder = scratch_path("history_test");
    struct lw_history history = {0}, read = {0};
    fill(&history);
    struct lw_trainer_state values = state_of(&history);
    assert_true(lw_folder_create(folder, NULL));
    assert_true(lw_trainer_state_write(&values, folder, NULL));
    assert_true(lw_trainer_state_read(folder, &read, NULL));
    assert_int_equal(read.count, 2);
    assert_true(read.entries[0].loss == 2.4837405681610107 && isnan(read.entries[0].eval_loss));
    assert_true(read.entries[1].step == 6 && read.entries[1].eval_samples_per_second == 300);
    lw_history_free(&read);
    lw_history_free(&history);
    assert_true(lw_folder_remove(folder, NULL));
    free(folder);
}

static void damaged_histories_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}", "null", "[{}]", "[{\"step\": \"3\"}]", "[7]", "[{\"step\": -1}]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct lw_history history = {0};
        struct lw_error error = {0};
        cJSON *json = cJSON_Parse(texts[i]);
        assert_false(lw_history_read(&history, json, "here", &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        assert_non_null(strstr(error.message, "here has"));
        lw_history_free(&history);
        cJSON_Delete(json);
    }
}

static void numbers_are_pythons(void **state)
{
    (void)state;
    // json.dumps of each
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0.0"}, {1, "1.0"}, {300, "300.0"}, {123456789, "123456789.0"}, {0.1, "0.1"},
        {5e-6, "5e-06"}, {1e-4, "0.0001"}, {2.4837405681610107, "2.4837405681610107"},
        {1.0 / 3, "0.3333333333333333"}, {1e15, "1000000000000000.0"}, {1e16, "1e+16"},
        {1.5e18, "1.5e+18"}, {-2.5, "-2.5"}, {1234567.5, "1234567.5"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lw_string text = {0};
        assert_true(lw_history_number(rows[i].value, &text, NULL));
        assert_string_equal(text.data, rows[i].text);
        lw_string_free(&text);
    }
}

static void check_file(const char *folder, const char *name, const char *text)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, name, NULL));
    char *found = scratch_read(path.data);
    assert_string_equal(found, text);
    free(found);
    lw_string_free(&path);
}

// As json.dump(metrics, file, indent=4, sort_keys=True) of Trainer.save_metrics.
static void results_are_split(void **state)
{
    (void)state;
    char *folder = scratch_path("results_test");
    struct lw_history_entry train = lw_history_nothing(), eval = train;
    train.step = eval.step = 8;
    train.epoch = eval.epoch = 2;
    train.train_loss = 2.25;
    train.train_runtime = 10;
    train.total_flos = 3e9;
    eval.eval_loss = 2.5;
    assert_true(lw_folder_create(folder, NULL));
    assert_true(lw_results_write(folder, &train, &eval, NULL));
    check_file(folder, "train_results.json",
        "{\n    \"epoch\": 2.0,\n    \"total_flos\": 3000000000.0,\n    \"train_loss\": 2.25,\n"
        "    \"train_runtime\": 10.0\n}");
    check_file(folder, "eval_results.json", "{\n    \"epoch\": 2.0,\n    \"eval_loss\": 2.5\n}");
    check_file(folder, "all_results.json",
        "{\n    \"epoch\": 2.0,\n    \"eval_loss\": 2.5,\n    \"total_flos\": 3000000000.0,\n"
        "    \"train_loss\": 2.25,\n    \"train_runtime\": 10.0\n}");
    assert_true(lw_folder_remove(folder, NULL));
    free(folder);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    struct lw_history history = {0};
    fill(&history);
    struct lw_trainer_state values = state_of(&history);
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_string text = {0};
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = lw_trainer_state_print(&values, &text, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, done ? LW_OK : LW_NO_RESOURCE);
        lw_string_free(&text);
    }
    lw_history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_equals_transformers),
        cmocka_unit_test(history_reads_back),
        cmocka_unit_test(damaged_histories_are_refused),
        cmocka_unit_test(numbers_are_pythons),
        cmocka_unit_test(results_are_split),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
