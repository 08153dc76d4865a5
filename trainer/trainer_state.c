// SPDX-License-Identifier: Apache-2.0
// transformers' files. See trainer_state.h.
#include "trainer/trainer_state.h"

#include <cJSON.h>
#include <inttypes.h>
#include <math.h>

#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

static bool print_history(
    const struct lw_history *history, struct lw_string *text, struct lw_error *error)
{
    bool done = true;
    for (size_t i = 0; i < history->count && done; i++) {
        done =
            lw_string_addf(text, error, "%s\n    ", i ? "," : "") &&
            lw_history_print(&history->entries[i], LW_HISTORY_ALL, "      ", "    ", text, error);
    }
    return done && lw_string_addf(text, error, history->count ? "\n  " : "");
}

// What the Trainer's control said when the newest checkpoint was written.
static const char callbacks[] = "  \"stateful_callbacks\": {\n"
                                "    \"TrainerControl\": {\n"
                                "      \"args\": {\n"
                                "        \"should_epoch_stop\": false,\n"
                                "        \"should_evaluate\": false,\n"
                                "        \"should_log\": false,\n"
                                "        \"should_save\": %s,\n"
                                "        \"should_training_stop\": %s\n"
                                "      },\n"
                                "      \"attributes\": {}\n"
                                "    }\n"
                                "  },\n";

bool lw_trainer_state_print(
    const struct lw_trainer_state *state, struct lw_string *text, struct lw_error *error)
{
    const char *saves = state->saved_step ? "true" : "false";
    const char *stops = state->saved_step == state->max_steps ? "true" : "false";
    return lw_string_addf(text, error,
               "{\n  \"best_global_step\": null,\n  \"best_metric\": null,\n"
               "  \"best_model_checkpoint\": null,\n  \"epoch\": ") &&
           lw_history_number(state->epoch, text, error) &&
           lw_string_addf(text, error,
               ",\n  \"eval_steps\": %" PRIu64 ",\n  \"global_step\": %" PRIu64
               ",\n  \"is_hyper_param_search\": false,\n  \"is_local_process_zero\": true,\n"
               "  \"is_world_process_zero\": true,\n  \"log_history\": [",
               state->eval_steps, state->global_step) &&
           print_history(state->history, text, error) &&
           lw_string_addf(text, error,
               "],\n  \"logging_steps\": %" PRIu64 ",\n  \"max_steps\": %" PRIu64
               ",\n  \"num_input_tokens_seen\": %" PRIu64 ",\n  \"num_train_epochs\": %" PRIu64
               ",\n  \"save_steps\": %" PRIu64 ",\n",
               state->logging_steps, state->max_steps, state->num_input_tokens_seen,
               state->num_train_epochs, state->save_steps) &&
           lw_string_addf(text, error, callbacks, saves, stops) &&
           lw_string_addf(text, error, "  \"total_flos\": ") &&
           lw_history_number(state->total_flos, text, error) &&
           lw_string_addf(text, error,
               ",\n  \"train_batch_size\": %" PRIu64
               ",\n  \"trial_name\": null,\n  \"trial_params\": null\n}\n",
               state->train_batch_size);
}

static bool write_file(
    const char *output, const char *name, const struct lw_string *text, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = lw_path_join(&path, output, name, error) &&
                lw_file_write_whole(path.data, text->data, text->length, error);
    lw_string_free(&path);
    return done;
}

bool lw_trainer_state_write(
    const struct lw_trainer_state *state, const char *output, struct lw_error *error)
{
    struct lw_string text = {0};
    bool done = lw_trainer_state_print(state, &text, error) &&
                write_file(output, LW_TRAINER_STATE_FILE, &text, error);
    lw_string_free(&text);
    return done;
}

bool lw_trainer_state_read(const char *folder, struct lw_history *history, struct lw_error *error)
{
    struct lw_string path = {0};
    cJSON *json = NULL;
    bool done = lw_path_join(&path, folder, LW_TRAINER_STATE_FILE, error) &&
                (json = lw_json_read(path.data, NULL, error)) != NULL;
    const struct lw_json_scope scope = {json, lw_string_text(&path)};
    done = done && lw_json_is_object(&scope, error) &&
           lw_history_read(history, lw_json_find(&scope, "log_history"), scope.name, error);
    cJSON_Delete(json);
    lw_string_free(&path);
    return done;
}

bool lw_results_write(const char *output, const struct lw_history_entry *train,
    const struct lw_history_entry *eval, struct lw_error *error)
{
    struct lw_history_entry both = *train;
    if (eval) {
        both = *eval;
        both.train_loss = train->train_loss;
        both.train_runtime = train->train_runtime;
        both.train_samples_per_second = train->train_samples_per_second;
        both.train_steps_per_second = train->train_steps_per_second;
        both.total_flos = train->total_flos;
    }
    const struct {
        const char *name;
        const struct lw_history_entry *entry;
        enum lw_history_part part;
    } files[] = {{"train_results.json", train, LW_HISTORY_TRAIN},
        {"eval_results.json", eval, LW_HISTORY_EVAL},
        {"all_results.json", &both, LW_HISTORY_RESULTS}};
    struct lw_string text = {0};
    bool done = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && done; i++) {
        lw_string_clear(&text);
        done = !files[i].entry ||
               (lw_history_print(files[i].entry, files[i].part, "    ", "", &text, error) &&
                   write_file(output, files[i].name, &text, error));
    }
    lw_string_free(&text);
    return done;
}
