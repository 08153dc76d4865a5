// SPDX-License-Identifier: Apache-2.0
// Weights for a merge from how well each model does on a few examples, as LM-Cocktail draws them
// (arXiv 2311.13534, section 3.2). Called by cmd_merge.c.
#ifndef LW_CLI_MERGE_WEIGHTS_H
#define LW_CLI_MERGE_WEIGHTS_H

#include "cli/device_options.h"

struct lw_merge_examples {
    const char *data;          // name or path of a data set, as a recipe's `dataset`
    const char *chat_template; // NULL: recognised from each model's folder
    double temperature;
    const char *cache; // folder; NULL: the user's
};

// weights[i] = softmax over the models of -loss_i / temperature, the loss being that of
// lw_score_model with batches of two examples (LM-Cocktail's). Prints a line for each model.
bool lw_merge_weigh(double *weights, const char *const *models, size_t count,
    const struct lw_merge_examples *examples, struct lw_session *session, struct lw_error *error);

#endif
