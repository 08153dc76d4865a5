// SPDX-License-Identifier: Apache-2.0
// The loss of a model on a data set, measured as a run measures its held-out part, with no more on the
// device than that takes: the weights and the activations of a micro-batch. Called by cli/.
#ifndef LW_TRAINER_SCORE_H
#define LW_TRAINER_SCORE_H

#include "trainer/loop.h"

struct lw_score {
    double eval_loss, token_loss; // as lw_evaluate
    uint64_t examples;
};

// Of params->recipe count the model, the keys of data and template, per_device_eval_batch_size,
// tokens_per_batch and compute_type; `eval_dataset` is what is measured, and `dataset` the same. LW_NO_RESOURCE where
// the model does not fit on the device; else what reading models and data can say.
bool lw_score_model(
    struct lw_score *score, const struct lw_run_params *params, struct lw_error *error);

#endif
