// SPDX-License-Identifier: Apache-2.0
// See multiply_add.h.
#include "engine/ops/multiply_add.h"

#include "engine/ops/record.h"
#include "shaders/multiply_add.h"

double lw_multiply_add_flops(const struct lw_multiply_add *multiply_add)
{
    return 2.0 * LW_MULTIPLY_ADD_CHAINS * LW_MULTIPLY_ADD_UNROLL * multiply_add->count *
           multiply_add->rounds;
}

void lw_multiply_add(struct lw_stream *stream, const struct lw_multiply_add *multiply_add)
{
    uint64_t bytes = (uint64_t)multiply_add->count * sizeof(float);
    if (multiply_add->y.size < bytes) {
        lw_stream_fail(stream, LW_FAILED, "multiply_add: the buffer does not fit");
        return;
    }
    struct lw_multiply_add_args args = {.y = multiply_add->y.address,
        .count = multiply_add->count,
        .rounds = multiply_add->rounds,
        .factor = multiply_add->factor,
        .addend = multiply_add->addend};
    uint32_t group =
        lw_on_cpu(stream) ? lw_device_caps(lw_stream_device(stream))->subgroup_size : 256;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_MULTIPLY_ADD,
        .args = &args,
        .constant_count = 1,
        .constants = {group},
        .access_count = 1,
        .accesses = {{multiply_add->y.address, bytes, true}},
        .flops = lw_multiply_add_flops(multiply_add),
        .bytes = (double)bytes};
    lw_dispatch_linear(&dispatch, lw_divide_up(multiply_add->count, group));
    lw_stream_dispatch(stream, &dispatch);
}
