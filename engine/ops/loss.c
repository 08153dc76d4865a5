// SPDX-License-Identifier: Apache-2.0
// See loss.h.
#include "engine/ops/loss.h"

#include "engine/ops/record.h"
#include "shaders/cross_entropy.h"
#include "shaders/loss_sum.h"

void lw_cross_entropy(struct lw_stream *stream, const struct lw_cross_entropy *loss)
{
    const struct lw_tensor *logits = &loss->logits, *gradient = &loss->gradient;
    bool backward = gradient->address != 0;
    bool shapes_fit =
        !backward || (gradient->rows == logits->rows && gradient->columns == logits->columns);
    uint64_t rows = (uint64_t)loss->first_row + logits->rows;
    if (logits->type != LW_F32 || !shapes_fit || loss->losses.size < rows * 4) {
        lw_stream_fail(stream, LW_FAILED, "cross_entropy: shapes or types do not fit");
        return;
    }
    struct lw_cross_entropy_args args = {.logits = logits->address,
        .gradient = gradient->address,
        .targets = loss->targets.address,
        .row_count = loss->row_count.address,
        .losses = loss->losses.address,
        // Read only for the gradient, but the address must be valid (kernel.glsl).
        .loss_scale = backward ? loss->loss_scale.address : loss->losses.address,
        .rows = logits->rows,
        .columns = logits->columns,
        .logits_stride = logits->stride,
        .gradient_stride = gradient->stride,
        .first_row = loss->first_row};
    double count = (double)logits->rows * logits->columns;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(CROSS_ENTROPY, gradient->type),
        .args = &args,
        .access_count = 6,
        .accesses = {lw_tensor_read(logits), lw_tensor_write(gradient),
            {loss->targets.address, loss->targets.size, false}, {loss->row_count.address, 4, false},
            {loss->losses.address + (uint64_t)loss->first_row * 4, (uint64_t)logits->rows * 4,
                true},
            {loss->loss_scale.address, 4, false}},
        .flops = (backward ? 6 : 3) * count,
        .bytes = count * (backward ? 8 + (double)lw_type_size(gradient->type) : 4)};
    lw_set_row_constants(stream, &dispatch, logits->columns,
        lw_tensor_in_fours(logits) && lw_tensor_in_fours(gradient));
    lw_dispatch_linear(&dispatch, logits->rows);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_loss_sum(struct lw_stream *stream, const struct lw_buffer *losses,
    const struct lw_buffer *row_count, const struct lw_buffer *loss_scale,
    const struct lw_buffer *sum)
{
    struct lw_loss_sum_args args = {
        losses->address, row_count->address, loss_scale->address, sum->address};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_LOSS_SUM,
        .args = &args,
        .access_count = 4,
        .accesses = {{losses->address, losses->size, false}, {row_count->address, 4, false},
            {loss_scale->address, 4, false}, {sum->address, 4, true}},
        .bytes = (double)losses->size};
    lw_set_single_group(stream, &dispatch, losses->address % 8 == 0);
    lw_stream_dispatch(stream, &dispatch);
}
