// SPDX-License-Identifier: Apache-2.0
// See weighted.h. With two weights of a half the fp32 sum is (a + b) / 2 rounded once, because halving
// is exact. More terms than one kernel takes go through it in turns, the sum so far in fp32 as the
// first term.
#include "merger/weighted.h"

#include "engine/ops/convert.h"

void lw_merge_weighted_sum(struct lw_stream *stream, const struct lw_merge_weighted *sum)
{
    struct lw_weighted_term terms[LW_WEIGHTED_TERMS];
    size_t term_count = 0;
    for (size_t i = 0; i < sum->count; i++) {
        // What counts nothing need not be read, as long as something is left.
        if (sum->weights[i] == 0 && (term_count || i + 1 < sum->count)) {
            continue;
        }
        if (term_count == LW_WEIGHTED_TERMS) {
            lw_weighted_sum(stream, terms, term_count, &sum->plane, LW_F32, sum->elements);
            terms[0] = (struct lw_weighted_term){&sum->plane, LW_F32, 1};
            term_count = 1;
        }
        terms[term_count++] =
            (struct lw_weighted_term){&sum->x[i].buffer, sum->x[i].type, (float)sum->weights[i]};
    }
    lw_weighted_sum(stream, terms, term_count, &sum->y.buffer, sum->y.type, sum->elements);
}
