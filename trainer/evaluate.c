// SPDX-License-Identifier: Apache-2.0
// Forward passes over the held-out examples. See evaluate.h.
#include "trainer/evaluate.h"

#include "engine/gpu/transfer.h"

// The summed loss of the packed step, which the decoder adds up on the device.
static bool sum_losses(
    const struct lw_evaluation *evaluation, size_t batches, float *sum, struct lw_error *error)
{
    struct lw_decoder *decoder = evaluation->decoder;
    for (size_t i = 0; i < batches; i++) {
        lw_pack_fill(evaluation->pack, i, evaluation->batch);
        if (!lw_decoder_submit(decoder, evaluation->batch, 1, false, error)) {
            return false;
        }
    }
    const float zero = 0;
    return lw_download(decoder->device, &decoder->loss_sum, 0, sum, sizeof *sum, error) &&
           lw_upload(decoder->device, &decoder->loss_sum, 0, &zero, sizeof zero, error);
}

bool lw_evaluate(const struct lw_evaluation *evaluation, double *eval_loss, double *token_loss,
    struct lw_error *error)
{
    size_t count = lw_dataset_held_out_count(evaluation->dataset);
    size_t most = evaluation->together;
    double weighted = 0, rows = 0, sums = 0, targets = 0;
    for (size_t first = 0; first < count; first += most) {
        size_t taken = count - first < most ? count - first : most, examples = 0;
        for (size_t i = 0; i < taken; i++) {
            examples +=
                lw_dataset_held_out(evaluation->dataset, first + i, evaluation->views + examples);
        }
        size_t batches = lw_pack_step(evaluation->pack, evaluation->views, examples);
        lw_pack_rotate(evaluation->pack, &evaluation->decoder->params.config->rotary, most);
        struct lw_pack_totals totals = lw_pack_totals(evaluation->pack);
        float sum;
        if (!sum_losses(evaluation, batches, &sum, error)) {
            return false;
        }
        if (totals.targets) {
            weighted += (double)sum / (double)totals.targets * (double)taken;
            rows += (double)taken;
            sums += (double)sum;
            targets += (double)totals.targets;
        }
    }
    *eval_loss = weighted / rows; // 0 / 0 is the NaN that says there is none
    *token_loss = sums / targets;
    return true;
}
