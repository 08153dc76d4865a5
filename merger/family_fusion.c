// SPDX-License-Identifier: Apache-2.0
// Arcee fusion: takes over the changes whose importance is at least the median plus one and a half
// times the distance of the quartiles. Importances are computed anew in each pass rather than kept.
// mergekit estimates the quartiles of large tensors from a million elements that it draws; here they
// are exact.
#include "engine/base/alloc.h"
#include "engine/base/numeric.h"
#include "engine/ops/fusion.h"
#include "engine/ops/task.h"
#include "merger/passes.h"
#include "merger/selection.h"

enum { quartiles = 3 };

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    (void)error;
    outline->passes |= 1u << LW_PASS_BRACKET | 1u << LW_PASS_EXACT;
    outline->whole_rows = true;
    return true;
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    (void)outline;
    lw_raise(&sizes->statistics, lw_selection_statistics(quartiles, part));
    lw_raise(&sizes->tables, sizeof(struct lw_task_table));
    lw_raise(&sizes->plane, part * sizeof(float));
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    uint64_t elements = work->outline->elements;
    struct lw_selection *selection = NULL;
    bool created = lw_selection_create(&selection, elements, quartiles, error);
    work->state = selection;
    for (size_t i = 0; created && i < quartiles; i++) {
        // Ascending ranks from 0, as descending ones from 1.
        uint64_t rank = (uint64_t)(0.25 * (double)(i + 1) * (double)(elements - 1));
        lw_select_start(lw_selection_cut(selection, i), elements, elements - rank);
    }
    return created;
}

static void record_result(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct lw_selection *selection = work->state;
    float quantiles[quartiles];
    for (size_t i = 0; i < quartiles; i++) {
        quantiles[i] = lw_float_of_bits(lw_selection_cut(selection, i)->low);
    }
    float threshold = quantiles[1] + 1.5f * (quantiles[2] - quantiles[0]);
    struct lw_task_table *table = work->space->tables.mapped;
    *table = (struct lw_task_table){.divisor = 1,
        .lambda = 1,
        .terms = {{.weight = 1,
            .scale = 1,
            .low = {.bits = lw_float_bits(threshold), .index = UINT32_MAX}}}};
    struct lw_task_sum sum = {.x = part->x,
        .term_count = 1,
        .base = part->base,
        .y = part->y,
        .kept = LW_KEPT_PLANE,
        .mask = work->space->planes[0],
        .tables = work->space->tables,
        .count = part->count};
    lw_task_sum(stream, &sum);
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    (void)error;
    struct lw_divergence divergence = {.x = part->x[0],
        .base = part->base,
        .importance = work->space->planes[0],
        .rows = (uint32_t)(part->count / work->outline->columns),
        .columns = work->outline->columns};
    lw_divergence(stream, &divergence);
    if (pass == LW_PASS_RESULT) {
        record_result(work, part, stream);
        return true;
    }
    const struct lw_task_magnitudes importance = {
        .x = {work->space->planes[0], LW_F32}, .count = part->count};
    const struct lw_task_magnitudes all[quartiles] = {importance, importance, importance};
    lw_selection_record(work->state, pass, all, part, work->space, stream);
    return true;
}

static bool end(struct lw_merge_work *work, enum lw_merge_pass pass, struct lw_error *error)
{
    (void)error;
    if (pass != LW_PASS_RESULT) {
        work->passes = lw_selection_end(work->state, pass, work->passes, work->space);
    }
    return true;
}

static void finish(struct lw_merge_work *work)
{
    lw_selection_destroy(work->state);
}

const struct lw_merge_family lw_merge_family_fusion = {.outline = make_outline,
    .size = add_sizes,
    .begin = begin,
    .record = record,
    .end = end,
    .finish = finish};
