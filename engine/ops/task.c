// SPDX-License-Identifier: Apache-2.0
// See task.h.
#include "engine/ops/task.h"

#include <string.h>

#include "engine/ops/record.h"
#include "shaders/task_count.h"
#include "shaders/task_find.h"
#include "shaders/task_histogram.h"
#include "shaders/task_norm.h"
#include "shaders/task_random.h"
#include "shaders/task_sum.h"

_Static_assert(
    (int)LW_KEPT_ALL == LW_TASK_ALL && (int)LW_KEPT_CUT == LW_TASK_CUT &&
        (int)LW_KEPT_BAND == LW_TASK_BAND && (int)LW_KEPT_PLANE == LW_TASK_PLANE &&
        (int)LW_KEPT_BITS == LW_TASK_BITS && (int)LW_CONSENSUS_NONE == LW_TASK_NO_CONSENSUS &&
        (int)LW_CONSENSUS_WEIGHTED == LW_TASK_WEIGHTED &&
        (int)LW_CONSENSUS_UNWEIGHTED == LW_TASK_UNWEIGHTED &&
        (int)LW_COUNT_PIECE == LW_TASK_PIECE && (int)LW_COUNT_PIVOTS == LW_TASK_PIVOTS &&
        (int)LW_HISTOGRAM_BINS == LW_TASK_BINS && (int)LW_NORM_SUM_PIECE == LW_TASK_NORM_PIECE,
    "the kernels' constants are the host's");

// A plane of sums begins at a multiple of 16 bytes.
static uint64_t plane_elements(uint64_t count)
{
    return (count + 3) / 4 * 4;
}

uint64_t lw_task_sums_size(size_t term_count, uint64_t count)
{
    return term_count > LW_TASK_TERMS ? 3 * plane_elements(count) * sizeof(float) : 0;
}

static void misfit(struct lw_stream *stream, const char *what, uint64_t count)
{
    lw_stream_fail(stream, LW_FAILED, "%s: a buffer is smaller than %llu elements, or not there",
        what, (unsigned long long)count);
}

// One dispatch of terms [first, first + terms).
static void record_turn(struct lw_stream *stream, const struct lw_task_sum *sum, uint32_t turn,
    size_t first, size_t terms)
{
    struct lw_task_sum_args args = {.base = sum->base.buffer.address,
        .y = sum->y.buffer.address,
        .mask = sum->mask.address,
        .table = sum->tables.address + first / LW_TASK_TERMS * sizeof(struct lw_task_table),
        .sums = sum->sums.address,
        .count = (uint32_t)sum->count,
        .words = sum->words,
        .plane = (uint32_t)plane_elements(sum->count),
        .first_turn = first == 0 && turn != LW_TASK_FINISH};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_TASK_SUM, .args = &args};
    uint64_t addresses = args.base | args.y | (sum->kept == LW_KEPT_PLANE ? args.mask : 0);
    uint32_t types = 0;
    for (size_t k = 0; k < terms; k++) {
        const struct lw_array *x = &sum->x[first + k];
        args.x[k] = x->buffer.address;
        addresses |= x->buffer.address;
        types |= (uint32_t)x->type << (2 * k);
        lw_add_access(&dispatch, lw_array_read(x, sum->count));
    }
    uint64_t plane = args.plane * sizeof(float);
    if (sum->kept == LW_KEPT_BITS) {
        args.mask += first * sum->words * sizeof(uint32_t);
    }
    lw_add_access(&dispatch, lw_array_read(&sum->base, sum->count));
    lw_add_access(&dispatch, (struct lw_access){sum->mask.address, sum->mask.size, false});
    lw_add_access(&dispatch, (struct lw_access){args.table, sizeof(struct lw_task_table), false});
    bool last = turn == LW_TASK_WHOLE || turn == LW_TASK_FINISH;
    if (last) {
        lw_add_access(&dispatch, lw_array_write(&sum->y, sum->count));
    }
    if (turn != LW_TASK_WHOLE) {
        lw_add_access(&dispatch, (struct lw_access){args.sums, 3 * plane, !last});
    }
    lw_set_row_constants(stream, &dispatch, LW_TASK_SUM_PIECE, addresses % 8 == 0);
    dispatch.constants[1] = dispatch.constants[1] ? 1 : 0; // the last piece may end anywhere
    lw_dispatch_linear(&dispatch, lw_divide_up(sum->count, LW_TASK_SUM_PIECE));
    const uint32_t constants[] = {(uint32_t)terms, types, (uint32_t)sum->base.type,
        (uint32_t)sum->y.type, sum->kept, sum->consensus, turn,
        sum->normalize && sum->consensus != LW_CONSENSUS_NONE};
    memcpy(&dispatch.constants[3], constants, sizeof constants);
    dispatch.constant_count = 11;
    dispatch.flops = 4 * (double)sum->count * (double)terms;
    lw_stream_dispatch(stream, &dispatch);
}

static void record_turns(struct lw_stream *stream, const struct lw_task_sum *sum, uint32_t turn)
{
    for (size_t first = 0; first < sum->term_count; first += LW_TASK_TERMS) {
        size_t rest = sum->term_count - first;
        record_turn(stream, sum, turn, first, rest < LW_TASK_TERMS ? rest : LW_TASK_TERMS);
    }
}

void lw_task_sum(struct lw_stream *stream, const struct lw_task_sum *sum)
{
    uint64_t tables = lw_divide_up(sum->term_count, LW_TASK_TERMS) * sizeof(struct lw_task_table);
    bool fits = sum->count <= UINT32_MAX && sum->base.buffer.address && sum->y.buffer.address &&
                lw_array_fits(&sum->base, sum->count) && lw_array_fits(&sum->y, sum->count) &&
                sum->term_count && sum->tables.size >= tables &&
                sum->sums.size >= lw_task_sums_size(sum->term_count, sum->count);
    for (size_t k = 0; fits && k < sum->term_count; k++) {
        fits = sum->x[k].buffer.address && lw_array_fits(&sum->x[k], sum->count);
    }
    uint64_t mask = sum->kept == LW_KEPT_PLANE  ? sum->count
                    : sum->kept == LW_KEPT_BITS ? sum->term_count * (uint64_t)sum->words
                                                : 0;
    if (!fits || sum->mask.size < mask * 4) {
        misfit(stream, "task sum", sum->count);
        return;
    }
    if (sum->term_count <= LW_TASK_TERMS) {
        record_turn(stream, sum, LW_TASK_WHOLE, 0, sum->term_count);
        return;
    }
    if (sum->consensus != LW_CONSENSUS_NONE) {
        record_turns(stream, sum, LW_TASK_ELECT);
    }
    record_turns(stream, sum, LW_TASK_GATHER);
    record_turn(stream, sum, LW_TASK_FINISH, 0, 0);
}

static bool magnitudes_fit(const struct lw_task_magnitudes *magnitudes)
{
    return magnitudes->count <= UINT32_MAX && magnitudes->x.buffer.address &&
           lw_array_fits(&magnitudes->x, magnitudes->count) &&
           lw_array_fits(&magnitudes->base, magnitudes->count);
}

void lw_task_count(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const uint32_t pivots[LW_COUNT_PIVOTS], const struct lw_buffer *counts)
{
    const struct lw_array *x = &magnitudes->x, *base = &magnitudes->base;
    uint64_t pieces = lw_divide_up(magnitudes->count, LW_COUNT_PIECE);
    uint64_t bytes = pieces * LW_COUNT_PIVOTS * sizeof(uint32_t);
    if (!magnitudes_fit(magnitudes) || counts->size < bytes) {
        misfit(stream, "count of magnitudes", magnitudes->count);
        return;
    }
    struct lw_task_count_args args = {.x = x->buffer.address,
        .base = base->buffer.address,
        .counts = counts->address,
        .count = (uint32_t)magnitudes->count};
    memcpy(args.pivots, pivots, sizeof args.pivots);
    struct lw_dispatch dispatch = {
        .kernel = LW_KERNEL_TASK_COUNT, .args = &args, .flops = 10 * (double)magnitudes->count};
    lw_add_access(&dispatch, lw_array_read(x, magnitudes->count));
    lw_add_access(&dispatch, lw_array_read(base, magnitudes->count));
    lw_add_access(&dispatch, (struct lw_access){counts->address, bytes, true});
    lw_set_row_constants(
        stream, &dispatch, LW_COUNT_PIECE, (x->buffer.address | base->buffer.address) % 8 == 0);
    dispatch.constants[1] = dispatch.constants[1] ? 1 : 0; // the last piece may end anywhere
    dispatch.constants[3] = lw_array_type(x);
    dispatch.constants[4] = lw_array_type(base);
    dispatch.constant_count = 5;
    lw_dispatch_linear(&dispatch, pieces);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_task_histogram(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const struct lw_task_histogram *histogram)
{
    const struct lw_array *x = &magnitudes->x, *base = &magnitudes->base;
    uint64_t bytes = (uint64_t)LW_HISTOGRAM_BINS * sizeof(uint32_t);
    if (!magnitudes_fit(magnitudes) || histogram->bins.size < bytes || !histogram->width ||
        (histogram->width - 1) >> histogram->shift >= LW_HISTOGRAM_BINS) {
        misfit(stream, "histogram of magnitudes", magnitudes->count);
        return;
    }
    struct lw_task_histogram_args args = {.x = x->buffer.address,
        .base = base->buffer.address,
        .bins = histogram->bins.address,
        .count = (uint32_t)magnitudes->count,
        .low = histogram->low,
        .width = histogram->width,
        .shift = histogram->shift};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_TASK_HISTOGRAM, .args = &args};
    lw_add_access(&dispatch, lw_array_read(x, magnitudes->count));
    lw_add_access(&dispatch, lw_array_read(base, magnitudes->count));
    lw_add_access(&dispatch, (struct lw_access){histogram->bins.address, bytes, true});
    lw_set_elements(&dispatch, x->buffer.address | base->buffer.address, magnitudes->count);
    dispatch.constants[2] = lw_array_type(x);
    dispatch.constants[3] = lw_array_type(base);
    dispatch.constant_count = 4;
    lw_stream_dispatch(stream, &dispatch);
}

void lw_task_find(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const struct lw_task_find *find)
{
    const struct lw_array *x = &magnitudes->x, *base = &magnitudes->base;
    if (!magnitudes_fit(magnitudes) || find->count > LW_COUNT_PIECE ||
        (uint64_t)find->first + find->count > magnitudes->count ||
        find->target.size < sizeof(uint32_t)) {
        misfit(stream, "find of a magnitude", magnitudes->count);
        return;
    }
    struct lw_task_find_args args = {.x = x->buffer.address,
        .base = base->buffer.address,
        .target = find->target.address,
        .first = find->first,
        .count = find->count,
        .bits = find->bits,
        .rank = find->rank};
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_TASK_FIND,
        .args = &args,
        .constant_count = 2,
        .constants = {lw_array_type(x), lw_array_type(base)}};
    lw_add_access(&dispatch, lw_array_read(x, magnitudes->count));
    lw_add_access(&dispatch, lw_array_read(base, magnitudes->count));
    lw_add_access(&dispatch, (struct lw_access){find->target.address, sizeof(uint32_t), true});
    dispatch.bytes = 8.0 * find->count;
    lw_dispatch_linear(&dispatch, 1);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_task_random(struct lw_stream *stream, const struct lw_task_random *random)
{
    uint64_t bytes = (uint64_t)random->word_count * sizeof(uint32_t);
    if (random->words.size < bytes || random->first % 4) {
        misfit(stream, "random bits", random->word_count);
        return;
    }
    struct lw_task_random_args args = {.words = random->words.address,
        .first = random->first,
        .seed = random->seed,
        .stream = random->stream,
        .count = random->word_count,
        .threshold = random->threshold};
    const uint32_t group = 64;
    struct lw_dispatch dispatch = {.kernel = LW_KERNEL_TASK_RANDOM,
        .args = &args,
        .constant_count = 1,
        .constants = {group},
        .flops = 100.0 * 32 * random->word_count};
    lw_add_access(&dispatch, (struct lw_access){random->words.address, bytes, true});
    lw_dispatch_linear(&dispatch, lw_divide_up(random->word_count, group));
    lw_stream_dispatch(stream, &dispatch);
}

void lw_task_norm(struct lw_stream *stream, const struct lw_task_norm *norm)
{
    const struct lw_array *x = &norm->x, *base = &norm->base;
    uint64_t pieces = lw_divide_up(norm->count, LW_NORM_SUM_PIECE);
    uint64_t bytes = pieces * 2 * sizeof(float);
    uint64_t mask = norm->kept == LW_KEPT_PLANE  ? norm->count
                    : norm->kept == LW_KEPT_BITS ? lw_divide_up(norm->count, 32)
                                                 : 0;
    if (norm->count > UINT32_MAX || !x->buffer.address || !base->buffer.address ||
        !lw_array_fits(x, norm->count) || !lw_array_fits(base, norm->count) ||
        norm->sums.size < bytes || norm->mask.size < mask * 4 ||
        norm->term.size < sizeof(struct lw_task_term)) {
        misfit(stream, "norms of a difference", norm->count);
        return;
    }
    struct lw_task_norm_args args = {.x = x->buffer.address,
        .base = base->buffer.address,
        .mask = norm->mask.address,
        .sums = norm->sums.address,
        .term = norm->term.address,
        .count = (uint32_t)norm->count};
    struct lw_dispatch dispatch = {
        .kernel = LW_KERNEL_TASK_NORM, .args = &args, .flops = 4 * (double)norm->count};
    lw_add_access(&dispatch, lw_array_read(x, norm->count));
    lw_add_access(&dispatch, lw_array_read(base, norm->count));
    lw_add_access(&dispatch, (struct lw_access){norm->mask.address, mask * 4, false});
    lw_add_access(
        &dispatch, (struct lw_access){norm->term.address, sizeof(struct lw_task_term), false});
    lw_add_access(&dispatch, (struct lw_access){norm->sums.address, bytes, true});
    uint64_t plane = norm->kept == LW_KEPT_PLANE ? norm->mask.address : 0;
    lw_set_row_constants(stream, &dispatch, LW_NORM_SUM_PIECE,
        (x->buffer.address | base->buffer.address | plane) % 8 == 0);
    dispatch.constants[1] = dispatch.constants[1] ? 1 : 0; // the last piece may end anywhere
    dispatch.constants[3] = lw_array_type(x);
    dispatch.constants[4] = lw_array_type(base);
    dispatch.constants[5] = norm->kept;
    dispatch.constants[6] = norm->squares;
    dispatch.constant_count = 7;
    lw_dispatch_linear(&dispatch, pieces);
    lw_stream_dispatch(stream, &dispatch);
}
