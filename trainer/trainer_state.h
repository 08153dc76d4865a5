// SPDX-License-Identifier: Apache-2.0
// The files that transformers' Trainer leaves beside a model, with its keys, for the scripts that
// people have: trainer_state.json in every checkpoint and in the output folder, train_results.json,
// eval_results.json and all_results.json there at the end.
#ifndef LW_TRAINER_TRAINER_STATE_H
#define LW_TRAINER_TRAINER_STATE_H

#include <stdint.h>

#include "trainer/history.h"

#define LW_TRAINER_STATE_FILE "trainer_state.json"

// transformers' TrainerState, as far as it varies.
struct lw_trainer_state {
    uint64_t global_step, max_steps; // updates done, and in the run
    uint64_t saved_step;             // of the newest checkpoint; 0: none
    uint64_t logging_steps, eval_steps, save_steps;
    uint64_t num_train_epochs;      // begun ones count
    uint64_t num_input_tokens_seen; // padding not counted
    uint64_t train_batch_size;      // examples of a batch
    double epoch, total_flos;
    const struct lw_history *history;
};

// Appends the content of trainer_state.json.
bool lw_trainer_state_print(
    const struct lw_trainer_state *state, struct lw_string *text, struct lw_error *error);

// Writes OUTPUT/trainer_state.json.
bool lw_trainer_state_write(
    const struct lw_trainer_state *state, const char *output, struct lw_error *error);

// Reads the log_history of FOLDER/trainer_state.json.
bool lw_trainer_state_read(const char *folder, struct lw_history *history, struct lw_error *error);

// Writes the results at the end: those of training, of the last measurement where there is one, and
// both. Entries without the other's fields.
bool lw_results_write(const char *output, const struct lw_history_entry *train,
    const struct lw_history_entry *eval, struct lw_error *error);

#endif
