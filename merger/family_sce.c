// SPDX-License-Identifier: Apache-2.0
// SCE: select the elements in which the models differ most, weight each model by the energy of its
// differences there, erase what goes against the majority's sign.
#include <math.h>

#include "engine/base/alloc.h"
#include "engine/ops/fusion.h"
#include "engine/ops/task.h"
#include "merger/elements.h"
#include "merger/passes.h"
#include "merger/selection.h"

// mergekit's: a sum of energies below counts as none, a sum of weights is at least that.
#define SMALL 1e-6

struct state {
    size_t count;
    double share;     // of the elements with any variance that stay; 1: no selection
    double *energies; // [count]: sums of squares, then weights
    struct lw_selection *selection;
};

static double share_of(const struct lw_merge_outline *outline)
{
    double share = lw_merge_value(outline, LW_MERGE_SELECT_TOPK);
    return share < 1 ? fmax(share, 0) : 1; // not set: 1
}

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    (void)error;
    outline->passes |= 1u << LW_PASS_SUMS;
    if (share_of(outline) < 1) {
        outline->passes |= LW_SELECTION_GUESSED;
    }
    return true;
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    size_t count = outline->term_count;
    lw_raise(&sizes->statistics, lw_selection_statistics(1, part));
    lw_raise(&sizes->statistics, count * (part / LW_NORM_SUM_PIECE + 1) * 2 * sizeof(float));
    lw_raise(&sizes->tables, (count / LW_TASK_TERMS + 1) * sizeof(struct lw_task_table));
    lw_raise(&sizes->plane, (part + 3) * sizeof(float));
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    struct state *state = work->state = lw_calloc(1, sizeof *state, error);
    if (!state) {
        return false;
    }
    state->count = work->outline->term_count;
    state->share = share_of(work->outline);
    state->energies = lw_calloc(state->count, sizeof *state->energies, error);
    return state->energies && (state->share == 1 || lw_selection_create(&state->selection,
                                                        work->outline->elements, 1, error));
}

// The variances of a few elements, for the guess: how many are not zero, and what the wanted one is.
static bool guess(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_error *error)
{
    struct state *state = work->state;
    uint64_t step = (part->count + LW_SAMPLE_ELEMENTS - 1) / LW_SAMPLE_ELEMENTS;
    size_t count = (size_t)(part->count / step), changed = 0;
    uint32_t *sample = lw_calloc(count, sizeof *sample, error);
    for (size_t i = 0; sample && i < count; i++) {
        float mean = 0, variance = 0, base = lw_element(&part->base, i * step);
        for (size_t k = 0; k < state->count; k++) {
            mean += (lw_element(&part->x[k], i * step) - base) / (float)state->count;
        }
        for (size_t k = 0; k < state->count; k++) {
            float distance = lw_element(&part->x[k], i * step) - base - mean;
            variance += distance * distance / (float)state->count;
        }
        sample[i] = lw_float_bits(variance) & 0x7fffffffu;
        changed += sample[i] != 0;
    }
    if (sample) {
        uint64_t elements = work->outline->elements;
        double wanted = (double)changed / (double)count * state->share * (double)elements;
        struct lw_select *select = lw_selection_cut(state->selection, 0);
        lw_select_start(select, elements, wanted < 1 ? 1 : (uint64_t)wanted);
        lw_select_guess(select, sample, count);
    }
    lw_free(sample);
    return sample != NULL;
}

static struct lw_task_magnitudes record_variance(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    struct lw_variance variance = {.x = part->x,
        .array_count = state->count,
        .base = part->base,
        .mean = work->space->planes[0],
        .y = work->space->planes[3],
        .count = part->count};
    lw_variance(stream, &variance);
    return (struct lw_task_magnitudes){.x = {variance.y, LW_F32}, .count = part->count};
}

// Fills the tables with weights and, with a selection, the cut.
static void set_tables(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    struct lw_task_table *tables = work->space->tables.mapped;
    struct lw_task_magnitudes variance = {0};
    if (state->selection) {
        variance = record_variance(work, part, stream);
    }
    tables[0].divisor = tables[0].lambda = 1;
    tables[0].floor = (float)SMALL;
    for (size_t k = 0; k < state->count; k++) {
        struct lw_task_term *term = &tables[k / LW_TASK_TERMS].terms[k % LW_TASK_TERMS];
        *term = (struct lw_task_term){.weight = (float)state->energies[k], .scale = 1};
        uint64_t offset = (uint64_t)((char *)&term->low - (char *)tables);
        if (state->selection) {
            lw_selection_set_cut(
                state->selection, 0, &variance, part, &work->space->tables, offset, stream);
        }
    }
}

static void record_energies(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    uint64_t pieces = (part->count + LW_NORM_SUM_PIECE - 1) / LW_NORM_SUM_PIECE;
    uint64_t bytes = pieces * 2 * sizeof(float);
    for (size_t k = 0; k < state->count; k++) {
        uint64_t table = k / LW_TASK_TERMS * sizeof(struct lw_task_table);
        uint64_t term = table + k % LW_TASK_TERMS * sizeof(struct lw_task_term);
        struct lw_task_norm norm = {.x = part->x[k],
            .base = part->base,
            .kept = state->selection ? LW_KEPT_PLANE : LW_KEPT_ALL,
            .squares = true,
            .mask = work->space->planes[3],
            .term = lw_buffer_part(&work->space->tables, term, sizeof(struct lw_task_term)),
            .sums = lw_buffer_part(&work->space->statistics, k * bytes, bytes),
            .count = part->count};
        lw_task_norm(stream, &norm);
    }
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    struct state *state = work->state;
    if (pass == LW_PASS_SAMPLE) {
        return guess(work, part, error);
    }
    if (pass != LW_PASS_SUMS && pass != LW_PASS_RESULT) {
        struct lw_task_magnitudes variance = record_variance(work, part, stream);
        lw_selection_record(state->selection, pass, &variance, part, work->space, stream);
        return true;
    }
    set_tables(work, part, stream);
    if (pass == LW_PASS_SUMS) {
        record_energies(work, part, stream);
        return true;
    }
    struct lw_task_sum sum = {.x = part->x,
        .term_count = state->count,
        .base = part->base,
        .y = part->y,
        .kept = state->selection ? LW_KEPT_PLANE : LW_KEPT_ALL,
        .consensus = LW_CONSENSUS_UNWEIGHTED,
        .normalize = true,
        .mask = work->space->planes[3],
        .tables = work->space->tables,
        .sums = work->space->sums,
        .count = part->count};
    lw_task_sum(stream, &sum);
    return true;
}

static bool collect(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_error *error)
{
    struct state *state = work->state;
    const float *sums = work->space->statistics.mapped;
    uint64_t pieces = (part->count + LW_NORM_SUM_PIECE - 1) / LW_NORM_SUM_PIECE;
    if (pass == LW_PASS_SUMS) {
        for (uint64_t i = 0; i < pieces * state->count; i++) {
            state->energies[i / pieces] += sums[2 * i + 1];
        }
        return true;
    }
    return pass == LW_PASS_SAMPLE || pass == LW_PASS_RESULT ||
           lw_selection_collect(state->selection, pass, part, work->space, error);
}

static void set_weights(struct state *state, uint64_t elements)
{
    double sum = 0;
    for (size_t k = 0; k < state->count; k++) {
        state->energies[k] /= (double)elements;
        sum += state->energies[k];
    }
    for (size_t k = 0; k < state->count; k++) {
        state->energies[k] = sum < SMALL ? 1 / (double)state->count : state->energies[k] / sum;
    }
}

static bool end(struct lw_merge_work *work, enum lw_merge_pass pass, struct lw_error *error)
{
    (void)error;
    struct state *state = work->state;
    if (pass == LW_PASS_SUMS) {
        set_weights(state, work->outline->elements);
    } else if (pass != LW_PASS_SAMPLE && pass != LW_PASS_RESULT) {
        lw_selection_total(state->selection, pass);
        if (pass == LW_PASS_PIVOTS) {
            // The first pivot counts the elements with any variance, of which the share stays.
            struct lw_select *select = lw_selection_cut(state->selection, 0);
            select->wanted = (uint64_t)((double)select->reached[0] * state->share);
        }
        work->passes = lw_selection_end(state->selection, pass, work->passes, work->space);
    }
    return true;
}

static void finish(struct lw_merge_work *work)
{
    struct state *state = work->state;
    if (state) {
        lw_selection_destroy(state->selection);
        lw_free(state->energies);
        lw_free(state);
    }
}

const struct lw_merge_family lw_merge_family_sce = {.outline = make_outline,
    .size = add_sizes,
    .begin = begin,
    .record = record,
    .collect = collect,
    .end = end,
    .finish = finish};
