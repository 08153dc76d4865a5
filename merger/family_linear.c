// SPDX-License-Identifier: Apache-2.0
// Weighted sums whose weights are known before anything is read: linear, passthrough, and tensors
// that are taken over as they are. One pass, by the kernel that reads the models' own types.
#include <math.h>

#include "engine/base/alloc.h"
#include "merger/passes.h"
#include "merger/weighted.h"

static double weight_of(const struct lw_merge_outline *outline, size_t i)
{
    if (lw_merge_method_takes(outline->plan->method, LW_MERGE_SCALE)) {
        double scale = lw_merge_term_value(outline, i, LW_MERGE_SCALE);
        return isnan(scale) ? 1 : scale;
    }
    return lw_merge_term_value(outline, i, LW_MERGE_WEIGHT);
}

static double divisor_of(const struct lw_merge_outline *outline)
{
    double sum = 0;
    bool normalize = lw_merge_method_takes(outline->plan->method, LW_MERGE_NORMALIZE) &&
                     lw_merge_flag(outline, LW_MERGE_NORMALIZE);
    for (size_t i = 0; normalize && i < outline->term_count; i++) {
        sum += weight_of(outline, i);
    }
    return normalize ? sum : 1;
}

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    double divisor = outline->copied ? 1 : divisor_of(outline);
    outline->nonfinite_shows = !outline->copied || (outline->term_count == 1 && !outline->base);
    for (size_t i = 0; !outline->copied && i < outline->term_count; i++) {
        double weight = weight_of(outline, i);
        outline->nonfinite_shows = outline->nonfinite_shows && weight != 0; // else it is not read
        if (!isfinite((float)(weight / divisor))) {
            return lw_fail(error, LW_USAGE,
                "tensor %s: the weights are divided by their sum, which must be a number other "
                "than 0",
                outline->tensor->info.name);
        }
    }
    return true;
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    (void)outline;
    lw_raise(&sizes->plane, part * sizeof(float));
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    double *weights = lw_calloc(outline->term_count + 1, sizeof *weights, error);
    work->state = weights;
    if (!weights) {
        return false;
    }
    double divisor = outline->copied ? 1 : divisor_of(outline);
    for (size_t i = 0; i < outline->term_count; i++) {
        weights[i] = outline->copied ? lw_merge_term(outline, i) == outline->copied
                                     : weight_of(outline, i) / divisor;
    }
    return true;
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    (void)pass;
    (void)error;
    const struct lw_merge_outline *outline = work->outline;
    static const double whole = 1;
    bool base = outline->copied && outline->copied == outline->base;
    struct lw_merge_weighted sum = {.x = base ? &part->base : part->x,
        .weights = base ? &whole : work->state,
        .count = base ? 1 : outline->term_count,
        .y = part->y,
        .plane = work->space->planes[0],
        .elements = part->count};
    lw_merge_weighted_sum(stream, &sum);
    return true;
}

static void finish(struct lw_merge_work *work)
{
    lw_free(work->state);
}

const struct lw_merge_family lw_merge_family_linear = {
    .outline = make_outline, .size = add_sizes, .begin = begin, .record = record, .finish = finish};
