// SPDX-License-Identifier: Apache-2.0
// The loss on the held-out examples. Called by loop.c.
#ifndef LW_TRAINER_EVALUATE_H
#define LW_TRAINER_EVALUATE_H

#include "engine/base/error.h"

struct lw_trainer;

// `eval_loss`: the mean over batches of per_device_eval_batch_size examples, each weighted by its
// examples, as transformers reports it. `token_loss`: the mean over all trained tokens. Natural
// logarithms. NaN when no held-out example has a label.
bool lw_evaluate(
    struct lw_trainer *trainer, double *eval_loss, double *token_loss, struct lw_error *error);

#endif
