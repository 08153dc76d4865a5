// SPDX-License-Identifier: Apache-2.0
// See methods.h.
#include "merger/methods.h"

#include <string.h>

#include "engine/ops/convert.h"

// result = sum of weight_i x_i in fp32, in the order of the models, rounded once at the end. With two
// weights of a half the fp32 sum is (a + b) / 2 rounded once, because halving is exact. More models
// than one kernel takes go through it in turns, the sum so far in fp32 as the first term.
static void record_linear(struct lw_stream *stream, const struct lw_merge_operands *operands)
{
    struct lw_weighted_term terms[LW_WEIGHTED_TERMS];
    size_t term_count = 0;
    for (size_t i = 0; i < operands->count; i++) {
        if (term_count == LW_WEIGHTED_TERMS) {
            lw_weighted_sum(stream, terms, term_count, &operands->sum, LW_F32, operands->elements);
            terms[0] = (struct lw_weighted_term){&operands->sum, LW_F32, 1};
            term_count = 1;
        }
        terms[term_count++] = (struct lw_weighted_term){&operands->inputs[i], operands->types[i],
            (float)operands->values[i].value[LW_MERGE_WEIGHT]};
    }
    lw_weighted_sum(
        stream, terms, term_count, &operands->output, operands->output_type, operands->elements);
}

static const struct lw_merge_method methods[] = {
    {"linear", LW_MERGE_BASE_MEMBER, 1, SIZE_MAX,
        {{"weight", LW_MERGE_WEIGHT, true, true, 0},
            {"normalize", LW_MERGE_NORMALIZE, false, false, 1}},
        record_linear},
};

const struct lw_merge_method *lw_merge_method_at(size_t index)
{
    return index < sizeof methods / sizeof *methods ? &methods[index] : NULL;
}

const struct lw_merge_method *lw_merge_method_find(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}
