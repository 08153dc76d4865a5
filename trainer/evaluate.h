// SPDX-License-Identifier: Apache-2.0
// The loss on held-out examples. Called by loop.c and score.c.
#ifndef LW_TRAINER_EVALUATE_H
#define LW_TRAINER_EVALUATE_H

#include "engine/model/decoder.h"
#include "trainer/data/dataset.h"
#include "trainer/data/pack.h"

struct lw_evaluation {
    struct lw_dataset *dataset; // whose held-out examples are measured
    struct lw_decoder *decoder; // its loss_sum is zero before and after
    size_t together;            // examples of a batch
    // Scratch, of the decoder's tokens and with room for a batch.
    struct lw_pack *pack;
    struct lw_batch *batch;
    struct lw_example_view *views;
};

// `eval_loss`: the mean over batches of `together` examples, each weighted by its examples, as
// transformers reports it. `token_loss`: the mean over all trained tokens. Natural logarithms. NaN
// when no held-out example has a label.
bool lw_evaluate(const struct lw_evaluation *evaluation, double *eval_loss, double *token_loss,
    struct lw_error *error);

#endif
