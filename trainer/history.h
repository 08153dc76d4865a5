// SPDX-License-Identifier: Apache-2.0
// What a run reported, as transformers' Trainer keeps it in log_history: losses, measurements of the
// held-out part, and the sums at the end. It goes into trainer_state.json (trainer_state.h), comes
// back when a run is resumed, and is drawn by chart.c.
#ifndef LW_TRAINER_HISTORY_H
#define LW_TRAINER_HISTORY_H

#include <stddef.h>

#include "engine/base/error.h"

struct cJSON;
struct lw_string;

// Names are transformers', but for eval_token_loss: mean over trained tokens. NaN: not in the entry.
struct lw_history_entry {
    double step, epoch;
    double loss, grad_norm, learning_rate;
    double eval_loss, eval_token_loss;
    double eval_runtime, eval_samples_per_second, eval_steps_per_second; // seconds; per second
    double train_loss, train_runtime, train_samples_per_second, train_steps_per_second;
    double total_flos;
};

// An entry that holds nothing.
struct lw_history_entry lw_history_nothing(void);

// Zero-initialise before use.
struct lw_history {
    struct lw_history_entry *entries; // in the order of time
    size_t count, capacity;
};

// Makes room for `count` entries in all.
bool lw_history_reserve(struct lw_history *history, size_t count, struct lw_error *error);
bool lw_history_add(
    struct lw_history *history, const struct lw_history_entry *entry, struct lw_error *error);
void lw_history_free(struct lw_history *history);

// Appends the entries of a JSON array. `name` stands for it in messages.
bool lw_history_read(struct lw_history *history, const struct cJSON *array, const char *name,
    struct lw_error *error);

// What of an entry is printed.
enum lw_history_part {
    LW_HISTORY_ALL,
    LW_HISTORY_TRAIN,  // epoch, total_flos and train_*
    LW_HISTORY_EVAL,   // epoch and eval_*
    LW_HISTORY_RESULTS // both
};

// Appends the entry as a JSON object, keys in order of the alphabet, each on a line that begins with
// `indent`, the closing brace on one with `outer`.
bool lw_history_print(const struct lw_history_entry *entry, enum lw_history_part part,
    const char *indent, const char *outer, struct lw_string *text, struct lw_error *error);

// Appends a number as JSON that reads back to the same, with a point or an exponent, as Python does.
bool lw_history_number(double value, struct lw_string *text, struct lw_error *error);

#endif
