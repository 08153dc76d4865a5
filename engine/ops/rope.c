// SPDX-License-Identifier: Apache-2.0
// See rope.h.
#include "engine/ops/rope.h"

#include "engine/ops/record.h"
#include "shaders/rope.h"

void lw_rope(struct lw_stream *stream, const struct lw_rope *rope)
{
    const struct lw_tensor *x = &rope->x;
    uint32_t half = rope->rotated / 2;
    if (rope->rotated % 2 || rope->rotated > rope->head_dim ||
        (uint64_t)rope->heads * rope->head_dim != x->columns ||
        rope->positions.size < (uint64_t)x->rows * 4 ||
        rope->frequency_rows.size < (uint64_t)x->rows * 4 ||
        rope->inverse_frequency.size < (uint64_t)half * 4) {
        lw_stream_fail(stream, LW_FAILED,
            "rope: %u of %u columns of %u heads do not fit rows of %u columns", rope->rotated,
            rope->head_dim, rope->heads, x->columns);
        return;
    }
    struct lw_rope_args args = {.x = x->address,
        .positions = rope->positions.address,
        .frequency_rows = rope->frequency_rows.address,
        .frequency = rope->inverse_frequency.address,
        .tokens = x->rows,
        .stride = x->stride,
        .heads = rope->heads,
        .head_columns = rope->head_dim,
        .rotated_columns = rope->rotated,
        .heads_each = lw_on_cpu(stream) ? rope->heads : 4,
        .cosine_scale = rope->scale,
        .sine_scale = rope->inverse ? -rope->scale : rope->scale};
    // Each half of each head must begin at a multiple of 8 bytes.
    struct lw_tensor halves = *x, heads = *x;
    halves.stride = half;
    heads.stride = rope->head_dim;
    bool aligned = lw_tensor_in_fours(x) && lw_tensor_in_fours(&halves) &&
                   lw_tensor_in_fours(&heads) && rope->inverse_frequency.address % 8 == 0;
    uint32_t group = lw_on_cpu(stream) ? 64 : 256;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(ROPE, x->type),
        .args = &args,
        .constant_count = 2,
        .constants = {group, lw_fours(aligned, half)},
        .access_count = 4,
        .accesses = {lw_tensor_write(x), {rope->positions.address, (uint64_t)x->rows * 4, false},
            {rope->frequency_rows.address, (uint64_t)x->rows * 4, false},
            {rope->inverse_frequency.address, rope->inverse_frequency.size, false}},
        .flops = 6.0 * x->rows * rope->heads * half,
        .bytes = 4.0 * x->rows * rope->heads * half * (double)lw_type_size(x->type)};
    uint64_t invocations =
        x->rows * lw_divide_up(half, 4) * lw_divide_up(rope->heads, args.heads_each);
    lw_dispatch_linear(&dispatch, lw_divide_up(invocations, group));
    lw_stream_dispatch(stream, &dispatch);
}
