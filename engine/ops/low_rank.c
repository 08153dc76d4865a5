// SPDX-License-Identifier: Apache-2.0
// See low_rank.h.
#include "engine/ops/low_rank.h"

#include "engine/ops/record.h"
#include "shaders/low_rank_sum.h"

_Static_assert((int)LW_LOW_RANK_STEP == LW_LOW_RANK_DEPTH, "the kernel's step is the host's");

void lw_low_rank_sum(struct lw_stream *stream, const struct lw_low_rank_sum *sum)
{
    uint64_t elements = (uint64_t)sum->rows * sum->columns;
    uint64_t left = (uint64_t)sum->rows * sum->rank * sizeof(float);
    uint64_t right = (uint64_t)sum->rank * sum->columns * sizeof(float);
    if (!sum->count || sum->first > elements || sum->count > elements - sum->first ||
        sum->rank % LW_LOW_RANK_DEPTH || sum->left.size < left || sum->right.size < right ||
        !lw_array_fits(&sum->x, sum->count) || !lw_array_fits(&sum->y, sum->count)) {
        lw_stream_fail(stream, LW_FAILED,
            "low_rank_sum: elements of %u rows of %u, of rank %u, do not fit", sum->rows,
            sum->columns, sum->rank);
        return;
    }
    uint32_t group =
        lw_on_cpu(stream) ? lw_device_caps(lw_stream_device(stream))->subgroup_size : 64;
    uint32_t tiles = (uint32_t)lw_divide_up(sum->columns, (uint64_t)group * 4);
    uint64_t row = sum->first / sum->columns;
    uint64_t rows = (sum->first + sum->count - 1) / sum->columns + 1 - row;
    const struct lw_low_rank_sum_args args = {.x = sum->x.buffer.address,
        .y = sum->y.buffer.address,
        .left = sum->left.address,
        .right = sum->right.address,
        .first = sum->first,
        .count = sum->count,
        .rows = sum->rows,
        .columns = sum->columns,
        .rank = sum->rank,
        .row = (uint32_t)row,
        .column_tiles = tiles,
        .scale = sum->scale};
    bool whole = (args.x | args.y | args.right) % 8 == 0 &&
                 (sum->columns | sum->first | sum->count) % 4 == 0;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_LOW_RANK_SUM,
        .args = &args,
        .constant_count = 4,
        .constants = {group, whole, lw_array_type(&sum->x), lw_array_type(&sum->y)},
        .flops = 2 * (double)sum->count * (sum->rank + 1)};
    lw_add_access(&dispatch, lw_array_read(&sum->x, sum->count));
    lw_add_access(&dispatch, lw_array_write(&sum->y, sum->count));
    lw_add_access(&dispatch, (struct lw_access){sum->left.address, left, false});
    lw_add_access(&dispatch, (struct lw_access){sum->right.address, right, false});
    lw_dispatch_linear(&dispatch, lw_divide_up(rows, LW_LOW_RANK_ROWS) * tiles);
    lw_stream_dispatch(stream, &dispatch);
}
