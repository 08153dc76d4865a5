// SPDX-License-Identifier: Apache-2.0
// Task arithmetic: counts, histograms, random bits, norms and sums of differences.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/numeric.h"
#include "engine/base/random.h"
#include "engine/ops/task.h"
#include "tests/kernels/check.h"

enum { most_terms = 20 };

static struct lw_array array_of(const struct check_tensor *tensor)
{
    return (struct lw_array){tensor->buffer, tensor->tensor.type};
}

static enum lw_type random_type(struct check *check)
{
    return (enum lw_type)check_random(check, LW_TYPE_COUNT);
}

// Models near a base, some elements equal to it: kernels must find the differences exactly.
static struct check_tensor *near(
    struct check *check, enum lw_type type, const struct check_tensor *base, uint32_t count)
{
    struct check_tensor *x = check_input(check, type, 1, count);
    for (uint32_t i = 0; i < count; i++) {
        double difference = check_random(check, 3) ? 0.05 * x->values[i] : 0;
        check_set(x, i, base->values[i] + difference);
    }
    return x;
}

// The difference as kernels compute it, which is exact up to one rounding.
static float difference(const struct check_tensor *x, const struct check_tensor *base, uint32_t i)
{
    return (float)x->values[i] - (float)base->values[i];
}

static uint32_t magnitude(float value)
{
    return lw_float_bits(value) & 0x7fffffffu;
}

static bool is_before(struct lw_task_cut cut, uint32_t bits, uint32_t i)
{
    return bits > cut.bits || (bits == cut.bits && i < cut.index);
}

static void count_case(struct check *check, enum lw_type x_type, enum lw_type base_type,
    uint32_t count, bool with_base)
{
    if (!check_begin(check, "task_count", "%s less %s, %u elements", check_type_name(x_type),
            with_base ? check_type_name(base_type) : "nothing", count)) {
        return;
    }
    struct check_tensor *base = check_input(check, base_type, 1, count);
    struct check_tensor *x = near(check, x_type, base, count);
    uint32_t pieces = (count + LW_COUNT_PIECE - 1) / LW_COUNT_PIECE;
    struct check_tensor *counts = check_words(check, NULL, pieces * LW_COUNT_PIVOTS);
    uint32_t pivots[LW_COUNT_PIVOTS] = {1};
    for (int j = 1; j < LW_COUNT_PIVOTS; j++) {
        uint32_t i = check_random(check, count);
        uint32_t bits = magnitude(with_base ? difference(x, base, i) : (float)x->values[i]);
        pivots[j] = bits ? bits + check_random(check, 2) : UINT32_MAX;
    }
    struct lw_task_magnitudes magnitudes = {.x = array_of(x), .count = count};
    if (with_base) {
        magnitudes.base = array_of(base);
    }
    lw_task_count(check_stream(check), &magnitudes, pivots, &counts->buffer);
    check_work(check, 0,
        (double)count * (double)(lw_type_size(x_type) + (with_base ? lw_type_size(base_type) : 0)));
    if (check_run(check)) {
        uint32_t *expected = calloc((size_t)pieces * LW_COUNT_PIVOTS, sizeof *expected);
        for (uint32_t i = 0; expected && i < count; i++) {
            float value = with_base ? difference(x, base, i) : (float)x->values[i];
            for (int j = 0; j < LW_COUNT_PIVOTS; j++) {
                expected[i / LW_COUNT_PIECE * LW_COUNT_PIVOTS + (uint32_t)j] +=
                    magnitude(value) >= pivots[j];
            }
        }
        check_compare_words(check, "counts", counts, expected);
        free(expected);
    }
    check_end(check);
}

static void histogram_case(struct check *check, enum lw_type type, uint32_t count, bool narrow)
{
    if (!check_begin(check, "task_histogram", "%s, %u elements, %s", check_type_name(type), count,
            narrow ? "a bracket" : "everything")) {
        return;
    }
    struct check_tensor *base = check_input(check, type, 1, count);
    struct check_tensor *x = near(check, type, base, count);
    struct check_tensor *bins = check_words(check, NULL, LW_HISTOGRAM_BINS);
    struct lw_task_histogram histogram = {
        .low = 0, .width = 0x80000000u, .shift = 15, .bins = bins->buffer};
    if (narrow) {
        histogram.low = magnitude(0.03f);
        histogram.width = 1 + check_random(check, 1u << 22);
        histogram.shift = 6;
    }
    struct lw_task_magnitudes magnitudes = {array_of(x), array_of(base), count};
    lw_stream_fill(check_stream(check), &bins->buffer, 0);
    lw_task_histogram(check_stream(check), &magnitudes, &histogram);
    check_work(check, 0, 2.0 * count * (double)lw_type_size(type));
    if (check_run(check)) {
        uint32_t *expected = calloc(LW_HISTOGRAM_BINS, sizeof *expected);
        for (uint32_t i = 0; expected && i < count; i++) {
            uint32_t distance = magnitude(difference(x, base, i)) - histogram.low;
            if (distance < histogram.width) {
                expected[distance >> histogram.shift]++;
            }
        }
        check_compare_words(check, "bins", bins, expected);
        free(expected);
    }
    check_end(check);
}

static void find_case(struct check *check, enum lw_type type, uint32_t count)
{
    if (!check_begin(check, "task_find", "%s, %u elements", check_type_name(type), count)) {
        return;
    }
    struct check_tensor *base = check_input(check, type, 1, count);
    struct check_tensor *x = near(check, type, base, count);
    struct check_tensor *target = check_words(check, NULL, 1);
    uint32_t like = check_random(check, count), skipped = check_random(check, count);
    struct lw_task_find find = {.first = skipped,
        .count = count - skipped < LW_COUNT_PIECE ? count - skipped : LW_COUNT_PIECE,
        .bits = magnitude(difference(x, base, like)),
        .rank = 1 + check_random(check, 4),
        .target = target->buffer};
    struct lw_task_magnitudes magnitudes = {array_of(x), array_of(base), count};
    lw_stream_fill(check_stream(check), &target->buffer, 7);
    lw_task_find(check_stream(check), &magnitudes, &find);
    check_work(check, 0, 2.0 * find.count * (double)lw_type_size(type));
    if (check_run(check)) {
        uint32_t expected = 7, left = find.rank;
        for (uint32_t i = find.first; i < find.first + find.count && left; i++) {
            if (magnitude(difference(x, base, i)) == find.bits && --left == 0) {
                expected = i + 1;
            }
        }
        check_compare_words(check, "index", target, &expected);
    }
    check_end(check);
}

static void random_case(struct check *check, uint32_t words)
{
    if (!check_begin(check, "task_random", "%u words", words)) {
        return;
    }
    struct check_tensor *bits = check_words(check, NULL, words);
    struct lw_task_random random = {.words = bits->buffer,
        .word_count = words,
        .threshold = check_random(check, UINT32_MAX),
        .seed = (uint64_t)check_random(check, UINT32_MAX) << 32 | 7,
        .stream = (uint64_t)check_random(check, UINT32_MAX) << 20,
        .first = (uint64_t)check_random(check, UINT32_MAX) * 16};
    lw_task_random(check_stream(check), &random);
    check_work(check, 0, 4.0 * words);
    if (check_run(check)) {
        uint32_t *expected = calloc(words, sizeof *expected);
        for (uint64_t i = 0; expected && i < words * 32ull; i++) {
            uint64_t block = (random.first + i) / 4;
            uint32_t drawn[4];
            const uint32_t counter[] = {(uint32_t)block, (uint32_t)(block >> 32),
                (uint32_t)random.stream, (uint32_t)(random.stream >> 32)};
            const uint32_t key[] = {(uint32_t)random.seed, (uint32_t)(random.seed >> 32)};
            lw_philox4x32(counter, key, drawn);
            expected[i / 32] |= (uint32_t)(drawn[i % 4] < random.threshold) << (i % 32);
        }
        check_compare_words(check, "bits", bits, expected);
        free(expected);
    }
    check_end(check);
}

// Terms with the same way of dropping elements, and what stays of each.
struct terms {
    uint32_t count;
    size_t term_count;
    enum lw_task_kept kept;
    struct check_tensor *base, *x[most_terms];
    struct check_tensor *mask; // of BITS and PLANE
    uint32_t words;
    struct lw_task_term terms[most_terms];
};

static struct lw_task_cut random_cut(struct check *check, const struct terms *terms, size_t k)
{
    uint32_t i = check_random(check, terms->count);
    float value = terms->kept == LW_KEPT_PLANE ? (float)terms->mask->values[i]
                                               : difference(terms->x[k], terms->base, i);
    return (struct lw_task_cut){magnitude(value), check_random(check, terms->count + 1)};
}

static void make_terms(struct check *check, struct terms *terms, bool one_type)
{
    enum lw_type type = one_type ? LW_BF16 : random_type(check);
    terms->base = check_input(check, type, 1, terms->count);
    terms->words = (terms->count + 31) / 32;
    if (terms->kept == LW_KEPT_PLANE) {
        terms->mask = check_input(check, LW_F32, 1, terms->count);
    } else if (terms->kept == LW_KEPT_BITS) {
        uint32_t words = terms->words * (uint32_t)terms->term_count;
        uint32_t *bits = calloc(words, sizeof *bits);
        for (uint32_t i = 0; bits && i < words; i++) {
            bits[i] = check_random(check, UINT32_MAX);
        }
        terms->mask = check_words(check, bits, words);
        free(bits);
    }
    for (size_t k = 0; k < terms->term_count; k++) {
        struct lw_task_term *term = &terms->terms[k];
        terms->x[k] =
            near(check, one_type ? LW_BF16 : random_type(check), terms->base, terms->count);
        term->weight = (float)check_normal(check);
        term->scale = (float)(0.5 + check_uniform(check));
        term->low = random_cut(check, terms, k);
        term->high = random_cut(check, terms, k);
    }
}

static double kept_value(const struct terms *terms, size_t k, uint32_t i)
{
    float value = difference(terms->x[k], terms->base, i);
    const struct lw_task_term *term = &terms->terms[k];
    bool stays = true;
    switch (terms->kept) {
    case LW_KEPT_ALL:
        break;
    case LW_KEPT_CUT:
        stays = is_before(term->low, magnitude(value), i);
        break;
    case LW_KEPT_BAND:
        stays = is_before(term->low, magnitude(value), i) &&
                !is_before(term->high, magnitude(value), i);
        break;
    case LW_KEPT_PLANE:
        stays = terms->mask && is_before(term->low, magnitude((float)terms->mask->values[i]), i);
        break;
    case LW_KEPT_BITS:
        stays = terms->mask && (terms->mask->words[k * terms->words + i / 32] >> (i % 32) & 1);
        break;
    }
    return stays ? value : 0;
}

static void norm_case(
    struct check *check, enum lw_task_kept kept, bool squares, uint32_t count, bool one_type)
{
    if (!check_begin(check, "task_norm", "way %d, %s, %u elements", (int)kept,
            squares ? "squares" : "magnitudes", count)) {
        return;
    }
    struct terms terms = {.count = count, .term_count = 1, .kept = kept};
    make_terms(check, &terms, one_type);
    uint32_t pieces = (count + LW_NORM_SUM_PIECE - 1) / LW_NORM_SUM_PIECE;
    struct check_tensor *sums = check_output(check, LW_F32, pieces, 2);
    struct check_tensor *term = check_words(
        check, (const uint32_t *)(const void *)&terms.terms[0], sizeof terms.terms[0] / 4);
    struct lw_task_norm norm = {.x = array_of(terms.x[0]),
        .base = array_of(terms.base),
        .kept = kept,
        .squares = squares,
        .term = term->buffer,
        .sums = sums->buffer,
        .count = count};
    if (terms.mask) {
        norm.mask = terms.mask->buffer;
    }
    lw_task_norm(check_stream(check), &norm);
    check_work(check, 0, 4.0 * count);
    if (check_run(check)) {
        double *expected = check_doubles(check, 2ull * pieces);
        for (uint32_t i = 0; i < count; i++) {
            double all = difference(terms.x[0], terms.base, i), rest = kept_value(&terms, 0, i);
            expected[i / LW_NORM_SUM_PIECE * 2] += squares ? all * all : fabs(all);
            expected[i / LW_NORM_SUM_PIECE * 2 + 1] += squares ? rest * rest : fabs(rest);
        }
        check_compare(check, "sums", sums, expected, 3e-6);
    }
    check_end(check);
}

struct sum_shape {
    uint32_t count;
    size_t term_count;
    enum lw_task_kept kept;
    enum lw_task_consensus consensus;
    bool normalize, one_type;
};

// The result at one element; *size: of the terms, where the decision is no matter of rounding.
static double expected_sum(const struct terms *terms, const struct sum_shape *shape,
    const struct lw_task_table *head, uint32_t i, double *size)
{
    double decider = 0, sum = 0, divisor = 0, all = 0;
    for (size_t k = 0; k < terms->term_count; k++) {
        double value = kept_value(terms, k, i) * terms->terms[k].scale;
        double weighted = value * terms->terms[k].weight;
        decider += shape->consensus == LW_CONSENSUS_UNWEIGHTED ? value : weighted;
        all += fabs(value) + fabs(weighted);
    }
    for (size_t k = 0; k < terms->term_count; k++) {
        double value = kept_value(terms, k, i) * terms->terms[k].scale;
        double weighted = value * terms->terms[k].weight;
        double side = shape->consensus == LW_CONSENSUS_UNWEIGHTED ? value : weighted;
        if (shape->consensus == LW_CONSENSUS_NONE || (decider >= 0 ? side > 0 : side < 0)) {
            sum += weighted;
            divisor += terms->terms[k].weight;
        }
    }
    bool by_weights = shape->normalize && shape->consensus != LW_CONSENSUS_NONE;
    if (!by_weights) {
        divisor = head->divisor;
    } else if (head->floor > 0) {
        divisor = fmax(divisor, head->floor);
    } else if (divisor == 0) {
        divisor = 1;
    }
    double base = terms->base->values[i];
    bool decided = shape->consensus == LW_CONSENSUS_NONE || all == 0 || fabs(decider) > 1e-5 * all;
    // A divisor of weights that nearly cancel is uncertain itself.
    double spread = by_weights ? 20 / fabs(divisor) : 1;
    *size = decided ? fabs(base) + fabs(head->lambda / divisor) * all * (1 + spread) : 1e12;
    return base + head->lambda * (sum / divisor);
}

static void sum_case(struct check *check, const struct sum_shape *shape)
{
    static const char *const consensus[] = {"none", "weighted", "unweighted"};
    if (!check_begin(check, "task_sum", "%zu terms, way %d, consensus %s%s, %u elements",
            shape->term_count, (int)shape->kept, consensus[shape->consensus],
            shape->normalize ? ", normalized" : "", shape->count)) {
        return;
    }
    uint32_t count = shape->count;
    struct terms terms = {.count = count, .term_count = shape->term_count, .kept = shape->kept};
    make_terms(check, &terms, shape->one_type);
    for (size_t k = 0; k < terms.term_count && shape->consensus == LW_CONSENSUS_UNWEIGHTED; k++) {
        terms.terms[k].weight = fabsf(terms.terms[k].weight); // as a floor of divisors expects
    }
    struct lw_task_table tables[(most_terms + LW_TASK_TERMS - 1) / LW_TASK_TERMS] = {
        {.divisor = 0.7f,
            .lambda = 1.25f,
            .floor = shape->consensus == LW_CONSENSUS_UNWEIGHTED ? 1e-6f : 0}};
    for (size_t k = 0; k < shape->term_count; k++) {
        tables[k / LW_TASK_TERMS].terms[k % LW_TASK_TERMS] = terms.terms[k];
    }
    struct check_tensor *table =
        check_words(check, (const uint32_t *)(const void *)tables, sizeof tables / 4);
    struct check_tensor *y =
        check_output(check, shape->one_type ? LW_BF16 : random_type(check), 1, count);
    struct lw_array x[most_terms];
    for (size_t k = 0; k < shape->term_count; k++) {
        x[k] = array_of(terms.x[k]);
    }
    struct lw_task_sum sum = {.x = x,
        .term_count = shape->term_count,
        .base = array_of(terms.base),
        .y = array_of(y),
        .kept = shape->kept,
        .consensus = shape->consensus,
        .normalize = shape->normalize,
        .words = terms.words,
        .tables = table->buffer,
        .sums = check_scratch(check, lw_task_sums_size(shape->term_count, count)),
        .count = count};
    if (terms.mask) {
        sum.mask = terms.mask->buffer;
    }
    lw_task_sum(check_stream(check), &sum);
    check_work(check, 0, 2.0 * count * (double)(shape->term_count + 2));
    if (check_run(check)) {
        double *expected = check_doubles(check, count), *sizes = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            expected[i] = expected_sum(&terms, shape, &tables[0], i, &sizes[i]);
        }
        check_compare_terms(check, "y", y, expected, sizes, 2e-6);
    }
    check_end(check);
}

static void bench_cases(struct check *check)
{
    const uint32_t large = 1u << 20;
    count_case(check, LW_BF16, LW_BF16, large, true);
    count_case(check, LW_F32, LW_F32, large, true);
    histogram_case(check, LW_BF16, large, true);
    histogram_case(check, LW_BF16, large, false);
    random_case(check, large / 32);
    find_case(check, LW_BF16, LW_COUNT_PIECE);
    norm_case(check, LW_KEPT_BITS, false, large, true);
    norm_case(check, LW_KEPT_CUT, false, large, true);
    sum_case(check, &(struct sum_shape){large, 1, LW_KEPT_ALL, LW_CONSENSUS_NONE, false, true});
    for (size_t terms = 1; terms <= 3; terms++) {
        sum_case(check,
            &(struct sum_shape){large, terms, LW_KEPT_CUT, LW_CONSENSUS_WEIGHTED, true, true});
        sum_case(
            check, &(struct sum_shape){large, terms, LW_KEPT_BITS, LW_CONSENSUS_NONE, false, true});
    }
}

void check_task(struct check *check)
{
    if (check_is_bench(check)) {
        bench_cases(check);
        return;
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        count_case(check, random_type(check), random_type(check), check_size(check, 100000),
            check_random(check, 3) > 0);
        histogram_case(check, random_type(check), check_size(check, 50000), i % 2);
        random_case(check, check_size(check, 3000));
        find_case(check, random_type(check), check_size(check, 20000));
    }
    for (enum lw_task_kept kept = LW_KEPT_ALL; kept <= LW_KEPT_BITS; kept++) {
        for (unsigned i = 0; i < check_cases(check); i++) {
            norm_case(check, kept, i % 2, check_size(check, 50000), false);
            struct sum_shape shape = {.count = check_size(check, 20000),
                .term_count = 1 + check_random(check, i % 4 ? 4 : most_terms),
                .kept = kept,
                .consensus = (enum lw_task_consensus)check_random(check, 3),
                .normalize = check_random(check, 2)};
            sum_case(check, &shape);
        }
    }
}
