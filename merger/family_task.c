// SPDX-License-Identifier: Apache-2.0
// Task arithmetic in all its ways: differences from a base, of which some elements are dropped (by
// magnitude, at random, by rank), whose sum of magnitudes may be restored after that (rescale), and
// of which only those may count that have the majority's sign (consensus). A method is a row that
// says which (methods.c).
#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "engine/ops/task.h"
#include "merger/elements.h"
#include "merger/passes.h"
#include "merger/ranks.h"
#include "merger/selection.h"

// Sums of magnitudes below count as none, as mergekit has it: nothing is rescaled to or from them.
#define SMALL_NORM 1e-7

struct state {
    size_t count;
    enum lw_task_kept kept;
    double *norms;                         // [count][2]: before elements are dropped, and after
    struct lw_selection *selection;        // of LW_KEPT_CUT one cut a term, of LW_KEPT_BAND two
    struct lw_task_magnitudes *magnitudes; // [cuts], of the part at hand
};

static enum lw_merge_drop drop_of(const struct lw_merge_outline *outline)
{
    return outline->plan->method->drop;
}

static double density_of(const struct lw_merge_outline *outline, size_t i)
{
    double density = lw_merge_term_value(outline, i, LW_MERGE_DENSITY);
    return density < 1 ? density : 1; // not set: 1
}

// Elements by number: Python's int(share * count).
static uint64_t share_of(double share, uint64_t elements)
{
    return share > 0 ? (uint64_t)(share * (double)elements) : 0;
}

static enum lw_task_kept kept_of(const struct lw_merge_outline *outline)
{
    static const enum lw_task_kept kept[] = {[LW_DROP_NONE] = LW_KEPT_ALL,
        [LW_DROP_SMALL] = LW_KEPT_CUT,
        [LW_DROP_OUTLIERS] = LW_KEPT_BAND,
        [LW_DROP_RANDOM] = LW_KEPT_BITS,
        [LW_DROP_BY_RANK] = LW_KEPT_BITS};
    for (size_t i = 0; i < outline->term_count; i++) {
        if (density_of(outline, i) < 1) {
            return kept[drop_of(outline)];
        }
    }
    return LW_KEPT_ALL;
}

static bool check_term(const struct lw_merge_outline *outline, size_t i, struct lw_error *error)
{
    const char *name = outline->tensor->info.name;
    const char *model = outline->plan->parents[lw_merge_term(outline, i)->parent].folder;
    double density = density_of(outline, i);
    if (drop_of(outline) == LW_DROP_NONE || density >= 1) {
        return true;
    }
    if (density < 0) {
        return lw_fail(error, LW_USAGE, "tensor %s of %s: the density is %g; it must be at least 0",
            name, model, density);
    }
    if (drop_of(outline) == LW_DROP_SMALL && !share_of(density, outline->elements)) {
        return lw_fail(error, LW_USAGE,
            "tensor %s of %s: with density %g none of its %llu elements is left; raise the "
            "density, "
            "or give the model weight 0 there",
            name, model, density, (unsigned long long)outline->elements);
    }
    double epsilon = lw_merge_term_value(outline, i, LW_MERGE_EPSILON);
    if (drop_of(outline) == LW_DROP_BY_RANK && density > 0 &&
        !(density - epsilon > 0 && density + epsilon < 1 && epsilon >= 0)) {
        return lw_fail(error, LW_USAGE,
            "tensor %s of %s: epsilon is %g with density %g; density - epsilon must be above 0 and "
            "density + epsilon below 1",
            name, model, epsilon, density);
    }
    return true;
}

static bool make_outline(struct lw_merge_outline *outline, struct lw_error *error)
{
    for (size_t i = 0; i < outline->term_count; i++) {
        if (!check_term(outline, i, error)) {
            return false;
        }
    }
    enum lw_task_kept kept = kept_of(outline);
    if (kept == LW_KEPT_ALL) {
        return true;
    }
    if (kept == LW_KEPT_CUT || kept == LW_KEPT_BAND) {
        outline->passes |= LW_SELECTION_GUESSED;
    }
    if (lw_merge_flag(outline, LW_MERGE_RESCALE)) {
        outline->passes |= 1u << LW_PASS_SUMS;
    }
    outline->whole_rows = drop_of(outline) == LW_DROP_BY_RANK;
    return true;
}

static size_t cut_count(const struct lw_merge_outline *outline)
{
    enum lw_task_kept kept = kept_of(outline);
    return kept == LW_KEPT_CUT    ? outline->term_count
           : kept == LW_KEPT_BAND ? 2 * outline->term_count
                                  : 0;
}

static void add_sizes(
    const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes)
{
    size_t count = outline->term_count;
    lw_raise(&sizes->statistics, lw_selection_statistics(cut_count(outline), part));
    lw_raise(&sizes->statistics, count * (part / LW_NORM_SUM_PIECE + 1) * 2 * sizeof(float));
    lw_raise(&sizes->tables, (count / LW_TASK_TERMS + 1) * sizeof(struct lw_task_table));
    if (count > LW_TASK_TERMS) {
        lw_raise(&sizes->plane, (part + 3) * sizeof(float));
    }
    if (kept_of(outline) == LW_KEPT_BITS) {
        lw_raise(&sizes->bits, count * (outline->elements / 32 + 1) * sizeof(uint32_t));
    }
}

// The ranks of breadcrumbs: the outliers come before `high`, what stays between it and `low`. mergekit
// keeps nothing at all where gamma is so small that there are no outliers; here nothing is an outlier
// then.
static void start_band(
    const struct lw_merge_outline *outline, size_t i, uint64_t *low, uint64_t *high)
{
    uint64_t elements = outline->elements, kept = share_of(density_of(outline, i), elements);
    uint64_t top = share_of(lw_merge_term_value(outline, i, LW_MERGE_GAMMA), elements);
    if (density_of(outline, i) >= 1) {
        kept = elements;
    }
    *high = kept + top > elements ? elements - kept : top;
    *low = *high + kept;
}

static void start_cuts(struct lw_merge_work *work)
{
    struct state *state = work->state;
    const struct lw_merge_outline *outline = work->outline;
    uint64_t elements = outline->elements;
    for (size_t i = 0; i < state->count; i++) {
        double density = density_of(outline, i);
        uint64_t low = density < 1 ? share_of(density, elements) : elements, high = 0;
        if (state->kept == LW_KEPT_BAND) {
            start_band(outline, i, &low, &high);
            lw_select_start(lw_selection_cut(state->selection, state->count + i), elements, high);
        }
        lw_select_start(lw_selection_cut(state->selection, i), elements, low);
    }
}

static bool begin(struct lw_merge_work *work, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    struct state *state = work->state = lw_calloc(1, sizeof *state, error);
    if (!state) {
        return false;
    }
    size_t cuts = cut_count(outline);
    state->count = outline->term_count;
    state->kept = kept_of(outline);
    state->norms = lw_calloc(2 * state->count, sizeof *state->norms, error);
    state->magnitudes = lw_calloc(cuts + 1, sizeof *state->magnitudes, error);
    if (!state->norms || !state->magnitudes ||
        (cuts && !lw_selection_create(&state->selection, outline->elements, cuts, error))) {
        return false;
    }
    if (cuts) {
        start_cuts(work);
    }
    return true;
}

static bool guess(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_error *error)
{
    struct state *state = work->state;
    uint64_t step = (part->count + LW_SAMPLE_ELEMENTS - 1) / LW_SAMPLE_ELEMENTS;
    size_t count = (size_t)(part->count / step), cuts = cut_count(work->outline);
    uint32_t *sample = lw_calloc(count, sizeof *sample, error);
    for (size_t c = 0; sample && c < cuts; c++) {
        const struct lw_array *x = &part->x[c % state->count];
        struct lw_select *select = lw_selection_cut(state->selection, c);
        for (size_t i = 0; i < count; i++) {
            sample[i] = lw_difference_bits(x, &part->base, i * step);
        }
        if (!lw_select_found(select)) {
            lw_select_guess(select, sample, count);
        }
    }
    lw_free(sample);
    return sample != NULL;
}

static const struct lw_task_magnitudes *magnitudes_of(
    struct lw_merge_work *work, const struct lw_merge_part *part)
{
    struct state *state = work->state;
    for (size_t c = 0; c < cut_count(work->outline); c++) {
        state->magnitudes[c] =
            (struct lw_task_magnitudes){part->x[c % state->count], part->base, part->count};
    }
    return state->magnitudes;
}

// What restores the sum of a difference's magnitudes.
static double scale_of(const struct state *state, size_t i)
{
    double before = state->norms[2 * i], after = state->norms[2 * i + 1];
    return before < SMALL_NORM || after < SMALL_NORM ? 1 : before / after;
}

static uint64_t term_offset(size_t i)
{
    return i / LW_TASK_TERMS * sizeof(struct lw_task_table) +
           i % LW_TASK_TERMS * sizeof(struct lw_task_term);
}

static void set_tables(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    const struct lw_buffer *tables = &work->space->tables;
    const struct lw_task_magnitudes *magnitudes = magnitudes_of(work, part);
    for (size_t i = 0; i < state->count; i++) {
        uint64_t offset = term_offset(i);
        struct lw_task_term *term = (void *)((char *)tables->mapped + offset);
        *term = (struct lw_task_term){
            .weight = (float)lw_merge_term_value(work->outline, i, LW_MERGE_WEIGHT),
            .scale = (float)scale_of(state, i)};
        if (state->selection) {
            lw_selection_set_cut(state->selection, i, &magnitudes[i], part, tables,
                offset + offsetof(struct lw_task_term, low), stream);
        }
        if (state->kept == LW_KEPT_BAND) {
            lw_selection_set_cut(state->selection, state->count + i, &magnitudes[i], part, tables,
                offset + offsetof(struct lw_task_term, high), stream);
        }
    }
}

// The part's words of bits: those of each term after those of the one before.
static struct lw_buffer bits_of(
    const struct lw_merge_work *work, const struct lw_merge_part *part, uint32_t words)
{
    const struct state *state = work->state;
    return lw_buffer_part(&work->space->bits, part->first / 32 * state->count * sizeof(uint32_t),
        state->count * words * sizeof(uint32_t));
}

// Draws which elements of a term stay. The stream of random numbers is the tensor's and the model's
// own, so that neither the other tensors nor the parts matter.
static bool draw(struct lw_merge_work *work, const struct lw_merge_part *part, size_t i,
    const struct lw_buffer *words, struct lw_stream *stream, struct lw_error *error)
{
    const struct lw_merge_outline *outline = work->outline;
    const char *name = outline->tensor->info.name;
    double density = density_of(outline, i);
    uint64_t seed = outline->plan->seed, random = lw_hash_bytes(name, strlen(name), i);
    if (density >= 1 || density <= 0) {
        lw_stream_fill(stream, words, density >= 1 ? UINT32_MAX : 0);
        return true;
    }
    if (drop_of(outline) == LW_DROP_RANDOM) {
        struct lw_task_random draw = {.words = *words,
            .word_count = (uint32_t)(words->size / sizeof(uint32_t)),
            .threshold = (uint32_t)(density * 0x1p32),
            .seed = seed,
            .stream = random,
            .first = part->first};
        lw_task_random(stream, &draw);
        return true;
    }
    struct lw_rank_choice choice = {.x = part->x[i],
        .base = part->base,
        .first = part->first,
        .rows = (uint32_t)(part->count / outline->columns),
        .columns = outline->columns,
        .density = density,
        .epsilon = lw_merge_term_value(outline, i, LW_MERGE_EPSILON),
        .seed = seed,
        .stream = random,
        .words = words->mapped};
    return lw_rank_choose(&choice, error);
}

static bool make_bits(struct lw_merge_work *work, const struct lw_merge_part *part,
    struct lw_stream *stream, struct lw_error *error)
{
    struct state *state = work->state;
    uint32_t words = (uint32_t)((part->count + 31) / 32);
    struct lw_buffer all = bits_of(work, part, words);
    for (size_t i = 0; i < state->count; i++) {
        struct lw_buffer bits =
            lw_buffer_part(&all, i * words * sizeof(uint32_t), words * sizeof(uint32_t));
        if (!draw(work, part, i, &bits, stream, error)) {
            return false;
        }
    }
    return true;
}

static void record_norms(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    uint64_t bytes = (part->count + LW_NORM_SUM_PIECE - 1) / LW_NORM_SUM_PIECE * 2 * sizeof(float);
    uint32_t words = (uint32_t)((part->count + 31) / 32);
    for (size_t i = 0; i < state->count; i++) {
        struct lw_task_norm norm = {.x = part->x[i],
            .base = part->base,
            .kept = state->kept,
            .term =
                lw_buffer_part(&work->space->tables, term_offset(i), sizeof(struct lw_task_term)),
            .sums = lw_buffer_part(&work->space->statistics, i * bytes, bytes),
            .count = part->count};
        if (state->kept == LW_KEPT_BITS) {
            struct lw_buffer all = bits_of(work, part, words);
            norm.mask =
                lw_buffer_part(&all, i * words * sizeof(uint32_t), words * sizeof(uint32_t));
        }
        lw_task_norm(stream, &norm);
    }
}

static void record_result(
    struct lw_merge_work *work, const struct lw_merge_part *part, struct lw_stream *stream)
{
    struct state *state = work->state;
    const struct lw_merge_outline *outline = work->outline;
    bool consensus = outline->plan->method->consensus;
    bool normalize = lw_merge_flag(outline, LW_MERGE_NORMALIZE);
    double lambda = lw_merge_value(outline, LW_MERGE_LAMBDA), sum = 0;
    for (size_t i = 0; i < state->count; i++) {
        sum += lw_merge_term_value(outline, i, LW_MERGE_WEIGHT);
    }
    struct lw_task_table *table = work->space->tables.mapped;
    table->divisor = normalize && fabs(sum) >= 1e-8 ? (float)sum : 1;
    table->floor = 0;
    table->lambda = isnan(lambda) ? 1 : (float)lambda;
    if (consensus && !normalize) {
        table->divisor = 1;
    }
    uint32_t words = (uint32_t)((part->count + 31) / 32);
    struct lw_task_sum task = {.x = part->x,
        .term_count = state->count,
        .base = part->base,
        .y = part->y,
        .kept = state->kept,
        .consensus = consensus ? LW_CONSENSUS_WEIGHTED : LW_CONSENSUS_NONE,
        .normalize = consensus && normalize,
        .words = words,
        .tables = work->space->tables,
        .sums = work->space->sums,
        .count = part->count};
    if (state->kept == LW_KEPT_BITS) {
        task.mask = bits_of(work, part, words);
    }
    lw_task_sum(stream, &task);
}

static bool record(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error)
{
    struct state *state = work->state;
    if (pass == LW_PASS_SAMPLE) {
        return guess(work, part, error);
    }
    if (pass != LW_PASS_SUMS && pass != LW_PASS_RESULT) {
        lw_selection_record(
            state->selection, pass, magnitudes_of(work, part), part, work->space, stream);
        return true;
    }
    // Bits are drawn in the first of the two passes and kept for the other.
    bool first = pass == LW_PASS_SUMS || !lw_merge_has_pass(work->passes, LW_PASS_SUMS);
    if (state->kept == LW_KEPT_BITS && first && !make_bits(work, part, stream, error)) {
        return false;
    }
    set_tables(work, part, stream);
    if (pass == LW_PASS_SUMS) {
        record_norms(work, part, stream);
    } else {
        record_result(work, part, stream);
    }
    return true;
}

static bool collect(struct lw_merge_work *work, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_error *error)
{
    struct state *state = work->state;
    const float *sums = work->space->statistics.mapped;
    uint64_t pieces = (part->count + LW_NORM_SUM_PIECE - 1) / LW_NORM_SUM_PIECE;
    if (pass == LW_PASS_SUMS) {
        for (uint64_t i = 0; i < 2 * pieces * state->count; i++) {
            state->norms[i / (2 * pieces) * 2 + i % 2] += sums[i];
        }
        return true;
    }
    return pass == LW_PASS_SAMPLE || pass == LW_PASS_RESULT ||
           lw_selection_collect(state->selection, pass, part, work->space, error);
}

static bool end(struct lw_merge_work *work, enum lw_merge_pass pass, struct lw_error *error)
{
    (void)error;
    struct state *state = work->state;
    if (pass != LW_PASS_SAMPLE && pass != LW_PASS_SUMS && pass != LW_PASS_RESULT) {
        lw_selection_total(state->selection, pass);
        work->passes = lw_selection_end(state->selection, pass, work->passes, work->space);
    }
    return true;
}

static void finish(struct lw_merge_work *work)
{
    struct state *state = work->state;
    if (state) {
        lw_selection_destroy(state->selection);
        lw_free(state->norms);
        lw_free(state->magnitudes);
        lw_free(state);
    }
}

const struct lw_merge_family lw_merge_family_task = {.outline = make_outline,
    .size = add_sizes,
    .begin = begin,
    .record = record,
    .collect = collect,
    .end = end,
    .finish = finish};
