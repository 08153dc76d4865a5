// SPDX-License-Identifier: Apache-2.0
// See fill_random.h.
#include "engine/ops/fill_random.h"

#include "engine/ops/record.h"
#include "shaders/fill_random.h"

void lw_fill_random(struct lw_stream *stream, const struct lw_fill_random *fill)
{
    uint64_t bytes = fill->count * lw_type_size(fill->type);
    if (fill->type == LW_F16 || fill->y.size < bytes) {
        lw_stream_fail(stream, LW_FAILED, "fill_random: the buffer or the type does not fit");
        return;
    }
    const float edge = 1.7320508f; // of the uniform distribution with deviation 1
    struct lw_fill_random_args args = {.y = fill->y.address,
        .count = fill->count,
        .seed = fill->seed,
        .scale = fill->deviation * edge};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_OF(FILL_RANDOM, fill->type),
        .args = &args,
        .access_count = 1,
        .accesses = {{fill->y.address, bytes, true}},
        .bytes = (double)bytes};
    lw_set_elements(&dispatch, fill->y.address, fill->count);
    lw_stream_dispatch(stream, &dispatch);
}
