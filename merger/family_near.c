// SPDX-License-Identifier: Apache-2.0
// nearswap: takes over what is near the base. One pass.
#include "engine/ops/fusion.h"
#include "merger/passes.h"

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    double t = lw_merge_value(outline, LW_MERGE_T);
    return t > 0 ||
           lw_fail(error, LW_USAGE, "tensor %s: \"t\" of nearswap is %g; it must be above 0",
               outline->tensor->info.name, t);
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    (void)outline;
    (void)part;
    (void)sizes;
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    (void)work;
    (void)error;
    return true;
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    (void)pass;
    (void)error;
    struct lw_near_swap swap = {.x = part->x[0],
        .base = part->base,
        .y = part->y,
        .count = part->count,
        .t = (float)lw_merge_value(work->outline, LW_MERGE_T)};
    lw_near_swap(stream, &swap);
    return true;
}

static void finish(struct lw_merge_work *work)
{
    (void)work;
}

const struct lw_merge_family lw_merge_family_near = {
    .outline = make_outline, .size = add_sizes, .begin = begin, .record = record, .finish = finish};
