// SPDX-License-Identifier: Apache-2.0
// Forward passes over the held-out examples. See evaluate.h.
#include "trainer/evaluate.h"

#include "engine/gpu/transfer.h"
#include "trainer/run.h"

// The summed loss of the packed step, which the decoder adds up on the device.
static bool sum_losses(
    struct lw_trainer *trainer, size_t batches, float *sum, struct lw_error *error)
{
    struct lw_decoder *decoder = trainer->training->decoder;
    for (size_t i = 0; i < batches; i++) {
        lw_pack_fill(trainer->pack, i, trainer->batch);
        if (!lw_decoder_submit(decoder, trainer->batch, 1, false, error)) {
            return false;
        }
    }
    const float zero = 0;
    struct lw_device *device = trainer->params.device;
    return lw_download(device, &decoder->loss_sum, 0, sum, sizeof *sum, error) &&
           lw_upload(device, &decoder->loss_sum, 0, &zero, sizeof zero, error);
}

bool lw_evaluate(
    struct lw_trainer *trainer, double *eval_loss, double *token_loss, struct lw_error *error)
{
    size_t count = lw_dataset_held_out_count(trainer->dataset);
    size_t most = (size_t)trainer->params.recipe->per_device_eval_batch_size;
    double weighted = 0, rows = 0, sums = 0, targets = 0;
    for (size_t first = 0; first < count; first += most) {
        size_t taken = count - first < most ? count - first : most, examples = 0;
        for (size_t i = 0; i < taken; i++) {
            examples += lw_dataset_held_out(trainer->dataset, first + i, trainer->views + examples);
        }
        size_t batches = lw_pack_step(trainer->pack, trainer->views, examples);
        lw_pack_rotate(trainer->pack, &trainer->config.rotary, most);
        struct lw_pack_totals totals = lw_pack_totals(trainer->pack);
        float sum;
        if (!sum_losses(trainer, batches, &sum, error)) {
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
