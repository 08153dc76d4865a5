// SPDX-License-Identifier: Apache-2.0
// See methods.h.
#include "merger/methods.h"

#include "engine/ops/convert.h"

// result = sum of weight_i x_i in fp32, in the order of the models, rounded once at the end. With two
// weights of a half the fp32 sum is (a + b) / 2 rounded once, because halving is exact.
static void record_linear(struct lw_stream *stream, const struct lw_merge_operands *operands)
{
    bool direct = operands->output_type == LW_F32;
    const struct lw_buffer *sum = direct ? &operands->output : &operands->sum;
    for (size_t i = 0; i < operands->count; i++) {
        lw_weighted_add(stream, &operands->inputs[i], operands->types[i], operands->weights[i],
            i == 0, sum, operands->elements);
    }
    if (!direct) {
        lw_convert(
            stream, sum, LW_F32, &operands->output, operands->output_type, operands->elements);
    }
}

static const struct lw_merge_method methods[] = {
    {"linear", record_linear},
};

const struct lw_merge_method *lw_merge_method_at(size_t index)
{
    return index < sizeof methods / sizeof *methods ? &methods[index] : NULL;
}
