// SPDX-License-Identifier: Apache-2.0
// See definitions.h. More than 500 lines because each method stands once, in full.
#include "tests/unit/merger/definitions.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/numeric.h"
#include "engine/base/random.h"

static double value_of(const struct definition *d, enum lw_merge_parameter parameter)
{
    return d->values->value[parameter];
}

static bool is(const struct definition *d, const char *name)
{
    return !strcmp(d->method->name, name);
}

// A line of a tensor: elements first, first + step, ...
struct line {
    size_t first, step, count;
};

static size_t place(struct line line, size_t i)
{
    return line.first + i * line.step;
}

// Memory for `count` objects of `size` bytes, zeroed.
static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        abort();
    }
    return memory;
}

// 0 where there is no base.
static double base_of(const struct definition *d, size_t i)
{
    return d->base ? d->base[i] : 0;
}

// x - base in double, or x.
static double from_base(const struct definition *d, size_t k, size_t i)
{
    return d->x[k][i] - base_of(d, i);
}

static double dot(const struct definition *d, struct line line, size_t k, size_t l)
{
    double sum = 0;
    for (size_t i = 0; i < line.count; i++) {
        sum += from_base(d, k, place(line, i)) * from_base(d, l, place(line, i));
    }
    return sum;
}

static void define_linear(const struct definition *d, double *result)
{
    double sum = 0;
    for (size_t k = 0; k < d->count; k++) {
        sum += d->weights[k];
    }
    for (size_t i = 0; i < d->elements; i++) {
        for (size_t k = 0; k < d->count; k++) {
            result[i] +=
                d->weights[k] * d->x[k][i] / (value_of(d, LW_MERGE_NORMALIZE) > 0 ? sum : 1);
        }
    }
}

static void define_slerp(const struct definition *d, double *result)
{
    double t = value_of(d, LW_MERGE_T), products[3] = {0};
    for (size_t i = 0; i < d->elements; i++) {
        products[0] += base_of(d, i) * base_of(d, i);
        products[1] += base_of(d, i) * d->x[0][i];
        products[2] += (double)d->x[0][i] * d->x[0][i];
    }
    double cosine = products[1] / sqrt(products[0] * products[2]), angle = acos(cosine);
    bool straight = fabs(cosine) > 0.9995;
    for (size_t i = 0; i < d->elements; i++) {
        double left = straight ? 1 - t : sin((1 - t) * angle) / sin(angle);
        double right = straight ? t : sin(t * angle) / sin(angle);
        result[i] = left * base_of(d, i) + right * d->x[0][i];
    }
}

static void define_nuslerp_line(const struct definition *d, struct line line, double *result)
{
    double t = d->weights[1] / (d->weights[0] + d->weights[1]);
    double lengths = fmax(sqrt(dot(d, line, 0, 0)), 1e-7) * fmax(sqrt(dot(d, line, 1, 1)), 1e-7);
    double angle = acos(fmin(fmax(dot(d, line, 0, 1) / lengths, -1), 1));
    bool straight = sin(angle) < 1e-8;
    double left = straight ? 1 - t : sin((1 - t) * angle) / sin(angle);
    double right = straight ? t : sin(t * angle) / sin(angle);
    for (size_t i = 0; i < line.count; i++) {
        size_t at = place(line, i);
        result[at] = base_of(d, at) + left * from_base(d, 0, at) + right * from_base(d, 1, at);
    }
}

static void define_model_stock_line(const struct definition *d, struct line line, double *result)
{
    double cosine = 0, pairs = 0, n = (double)d->count;
    for (size_t k = 0; k < d->count; k++) {
        for (size_t l = k + 1; l < d->count; l++, pairs++) {
            double lengths = fmax(sqrt(dot(d, line, k, k) * dot(d, line, l, l)), 1e-6);
            cosine += dot(d, line, k, l) / lengths;
        }
    }
    cosine /= pairs;
    double t = n * cosine / (1 + (n - 1) * cosine);
    for (size_t i = 0; i < line.count; i++) {
        size_t at = place(line, i);
        for (size_t k = 0; k < d->count; k++) {
            result[at] += t * d->x[k][at] / n;
        }
        result[at] += (1 - t) * base_of(d, at);
    }
}

static void by_line(const struct definition *d, bool whole, bool columns, double *result)
{
    size_t lines = whole || d->rank < 2 ? 1
                   : columns            ? d->elements / d->first_side
                                        : d->elements / d->columns;
    for (size_t l = 0; l < lines; l++) {
        struct line line = {l * (d->elements / lines), 1, d->elements / lines};
        if (lines > 1 && columns) {
            line = (struct line){l, lines, d->first_side};
        }
        if (is(d, "nuslerp")) {
            define_nuslerp_line(d, line, result);
        } else {
            define_model_stock_line(d, line, result);
        }
    }
}

static double length(const double *vector, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += vector[i] * vector[i];
    }
    return sqrt(sum);
}

static double *make_vector(size_t count)
{
    double *vector = zeros(count, sizeof *vector);
    if (!vector) {
        abort();
    }
    return vector;
}

// With the tangents that mergekit adds, although they cancel.
static void define_multislerp(const struct definition *d, double *result)
{
    struct line all = {0, 1, d->elements};
    double sum = 0, average = 0, *mean = make_vector(d->elements),
           *tangent = make_vector(d->elements);
    double units[definition_models], weights[definition_models];
    for (size_t k = 0; k < d->count; k++) {
        sum += d->weights[k];
    }
    for (size_t k = 0; k < d->count; k++) {
        units[k] = sqrt(dot(d, all, k, k)) + 1e-8;
        weights[k] = d->weights[k] / sum;
        average += weights[k] * sqrt(dot(d, all, k, k));
        for (size_t i = 0; i < d->elements; i++) {
            mean[i] += weights[k] * from_base(d, k, i) / units[k];
        }
    }
    double mean_length = length(mean, d->elements);
    for (size_t i = 0; i < d->elements; i++) {
        mean[i] /= mean_length;
    }
    for (size_t k = 0; k < d->count; k++) {
        double along = 0;
        for (size_t i = 0; i < d->elements; i++) {
            along += from_base(d, k, i) / units[k] * mean[i];
        }
        for (size_t i = 0; i < d->elements; i++) {
            tangent[i] += weights[k] * (from_base(d, k, i) / units[k] - along * mean[i]);
        }
    }
    double step = length(tangent, d->elements) + 1e-8;
    for (size_t i = 0; i < d->elements; i++) {
        result[i] = (mean[i] * cos(step) + tangent[i] * sin(step) / step) * average + base_of(d, i);
    }
    free(mean);
    free(tangent);
}

static void define_karcher(const struct definition *d, double *result)
{
    struct line all = {0, 1, d->elements};
    double scale = 0, tol = value_of(d, LW_MERGE_TOL), share = 1 / (double)d->count;
    double *tangent = make_vector(d->elements), lengths[definition_models];
    for (size_t k = 0; k < d->count; k++) {
        lengths[k] = sqrt(dot(d, all, k, k));
        scale += share * lengths[k];
        for (size_t i = 0; i < d->elements; i++) {
            result[i] += share * d->x[k][i] / lengths[k];
        }
    }
    double mean_length = length(result, d->elements);
    for (size_t i = 0; i < d->elements; i++) {
        result[i] /= mean_length;
    }
    for (int round = 0; round < (int)value_of(d, LW_MERGE_MAX_ITER); round++) {
        memset(tangent, 0, d->elements * sizeof *tangent);
        for (size_t k = 0; k < d->count; k++) {
            double along = 0;
            for (size_t i = 0; i < d->elements; i++) {
                along += result[i] * d->x[k][i] / lengths[k];
            }
            double angle = acos(fmin(along, 1));
            for (size_t i = 0; i < d->elements && angle >= tol; i++) {
                tangent[i] +=
                    share * angle / sin(angle) * (d->x[k][i] / lengths[k] - along * result[i]);
            }
        }
        double step = length(tangent, d->elements);
        if (step < tol) {
            break;
        }
        for (size_t i = 0; i < d->elements; i++) {
            result[i] = cos(step) * result[i] + sin(step) * tangent[i] / step;
        }
    }
    for (size_t i = 0; i < d->elements; i++) {
        result[i] *= scale;
    }
    free(tangent);
}

struct ranked {
    float magnitude;
    size_t index;
};

// Descending by magnitude, equal ones by index.
static int compare(const void *left, const void *right)
{
    const struct ranked *l = left, *r = right;
    if (l->magnitude != r->magnitude) {
        return l->magnitude < r->magnitude ? 1 : -1;
    }
    return l->index < r->index ? -1 : 1;
}

static struct ranked *rank(const float *values, size_t count)
{
    struct ranked *ranked = zeros(count, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){fabsf(values[i]), i};
    }
    qsort(ranked, count, sizeof *ranked, compare);
    return ranked;
}

static bool is_drawn(const struct definition *d, size_t k, size_t i, double probability)
{
    uint64_t stream = lw_hash_bytes(d->name, strlen(d->name), k), block = i / 4;
    const uint32_t counter[] = {
        (uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    const uint32_t key[] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)};
    uint32_t drawn[4];
    lw_philox4x32(counter, key, drawn);
    return drawn[i % 4] < (uint32_t)(probability * 0x1p32);
}

static void keep_by_rank(const struct definition *d, size_t k, const float *values, double *kept)
{
    double epsilon = value_of(d, LW_MERGE_EPSILON);
    for (size_t row = 0; row < d->elements; row += d->columns) {
        struct ranked *ranked = rank(values + row, d->columns);
        for (size_t place = 0; place < d->columns; place++) {
            // From the smallest; there equal ones rank by index too, so they go in turned order here.
            size_t first = place, end = place;
            while (first > 0 && ranked[first - 1].magnitude == ranked[place].magnitude) {
                first--;
            }
            while (end + 1 < d->columns && ranked[end + 1].magnitude == ranked[place].magnitude) {
                end++;
            }
            size_t ascending = d->columns - 1 - (first + end - place);
            double share = (double)ascending / (double)(d->columns - 1);
            size_t i = row + ranked[place].index;
            double low = d->density - epsilon;
            kept[i] = is_drawn(d, k, i, low + share * (2 * epsilon)) ? values[i] : 0;
        }
        free(ranked);
    }
}

static void keep_by_size(const struct definition *d, const float *values, double *kept)
{
    size_t first = 0, count = (size_t)(d->density * (double)d->elements);
    if (d->method->drop == LW_DROP_OUTLIERS) {
        size_t top = (size_t)(value_of(d, LW_MERGE_GAMMA) * (double)d->elements);
        first = count + top > d->elements ? d->elements - count : top;
    }
    struct ranked *ranked = rank(values, d->elements);
    for (size_t i = 0; i < d->elements; i++) {
        bool stays = i >= first && i < first + count;
        kept[ranked[i].index] = stays ? values[ranked[i].index] : 0;
    }
    free(ranked);
}

static void keep(const struct definition *d, size_t k, double *kept)
{
    float *values = zeros(d->elements, sizeof *values);
    double before = 0, after = 0;
    for (size_t i = 0; i < d->elements; i++) {
        values[i] = (float)from_base(d, k, i);
        kept[i] = d->density >= 1 || is_drawn(d, k, i, d->density) ? values[i] : 0;
    }
    bool drops = d->density < 1 && d->method->drop != LW_DROP_NONE;
    if (!drops) {
        for (size_t i = 0; i < d->elements; i++) {
            kept[i] = values[i];
        }
    } else if (d->method->drop == LW_DROP_BY_RANK) {
        keep_by_rank(d, k, values, kept);
    } else if (d->method->drop != LW_DROP_RANDOM) {
        keep_by_size(d, values, kept);
    }
    for (size_t i = 0; i < d->elements; i++) {
        before += fabs(values[i]);
        after += fabs(kept[i]);
    }
    bool rescale = drops && value_of(d, LW_MERGE_RESCALE) > 0 && before >= 1e-7 && after >= 1e-7;
    for (size_t i = 0; i < d->elements && rescale; i++) {
        kept[i] *= before / after;
    }
    free(values);
}

// `sides`: by which the majority is found; [count].
static double agreed_sum(const struct definition *d, const double *weighted, const double *sides,
    const double *weights, double *divisor)
{
    double majority = 0, sum = 0;
    *divisor = 0;
    for (size_t k = 0; k < d->count; k++) {
        majority += sides[k];
    }
    // Sums that cancel but for rounding count as 0, which is exact for the test's differences without
    // rescaling.
    majority = fabs(majority) < 1e-12 ? 0 : majority;
    for (size_t k = 0; k < d->count; k++) {
        if (majority >= 0 ? sides[k] > 0 : sides[k] < 0) {
            sum += weighted[k];
            *divisor += weights[k];
        }
    }
    return sum;
}

static void define_task(const struct definition *d, double *result)
{
    double *kept[definition_models], all = 0;
    for (size_t k = 0; k < d->count; k++) {
        kept[k] = make_vector(d->elements);
        keep(d, k, kept[k]);
        all += d->weights[k];
    }
    for (size_t i = 0; i < d->elements; i++) {
        double weighted[definition_models], sum = 0, divisor = fabs(all) < 1e-8 ? 1 : all;
        for (size_t k = 0; k < d->count; k++) {
            weighted[k] = d->weights[k] * kept[k][i];
            sum += weighted[k];
        }
        if (d->method->consensus) {
            sum = agreed_sum(d, weighted, weighted, d->weights, &divisor);
            divisor = divisor == 0 ? 1 : divisor;
        }
        divisor = value_of(d, LW_MERGE_NORMALIZE) > 0 ? divisor : 1;
        result[i] = base_of(d, i) + value_of(d, LW_MERGE_LAMBDA) * sum / divisor;
    }
    for (size_t k = 0; k < d->count; k++) {
        free(kept[k]);
    }
}

static void define_sce(const struct definition *d, double *result)
{
    float *variances = zeros(d->elements, sizeof *variances);
    double weights[definition_models] = {0}, sum = 0, share = value_of(d, LW_MERGE_SELECT_TOPK);
    size_t changed = 0;
    for (size_t i = 0; i < d->elements; i++) {
        double mean = 0, variance = 0;
        for (size_t k = 0; k < d->count; k++) {
            mean += from_base(d, k, i) / (double)d->count;
        }
        for (size_t k = 0; k < d->count; k++) {
            variance += pow(from_base(d, k, i) - mean, 2) / (double)d->count;
        }
        variances[i] = (float)variance;
        changed += variances[i] != 0;
    }
    size_t count = share < 1 ? (size_t)((double)changed * share) : d->elements;
    struct ranked *ranked = rank(variances, d->elements);
    bool *stays = zeros(d->elements, sizeof *stays);
    for (size_t i = 0; i < count; i++) {
        stays[ranked[i].index] = true;
    }
    for (size_t k = 0; k < d->count; k++) {
        for (size_t i = 0; i < d->elements; i++) {
            weights[k] += stays[i] ? pow(from_base(d, k, i), 2) / (double)d->elements : 0;
        }
        sum += weights[k];
    }
    for (size_t i = 0; i < d->elements; i++) {
        double kept[definition_models], weighted[definition_models], shares[definition_models];
        double divisor;
        for (size_t k = 0; k < d->count; k++) {
            shares[k] = sum < 1e-6 ? 1 / (double)d->count : weights[k] / sum;
            kept[k] = stays[i] ? from_base(d, k, i) : 0;
            weighted[k] = shares[k] * kept[k];
        }
        double mixed = agreed_sum(d, weighted, kept, shares, &divisor);
        result[i] = base_of(d, i) + mixed / fmax(divisor, 1e-6);
    }
    free(variances);
    free(ranked);
    free(stays);
}

// sum p log(p / q) of the raised softmaxes of a row.
static double divergence(const float *x, const float *base, size_t columns)
{
    double x_sum = 0, base_sum = 0, result = 0;
    for (size_t c = 0; c < columns; c++) {
        x_sum += exp(x[c]);
        base_sum += exp(base[c]);
    }
    for (size_t c = 0; c < columns; c++) {
        double p = exp(x[c]) / x_sum + 1e-8, q = exp(base[c]) / base_sum + 1e-8;
        result += p * log(p / q);
    }
    return result;
}

static void define_fusion(const struct definition *d, double *result)
{
    float *importance = zeros(d->elements, sizeof *importance);
    if (!d->base) {
        abort(); // the method has one
    }
    for (size_t i = 0; i < d->elements; i++) {
        size_t row = i / d->columns * d->columns;
        double factor = divergence(d->x[0] + row, d->base + row, d->columns);
        importance[i] = (float)(fabs(from_base(d, 0, i)) * factor);
    }
    struct ranked *ranked = rank(importance, d->elements);
    double quartiles[3];
    for (size_t q = 0; q < 3; q++) {
        size_t at = (size_t)(0.25 * (double)(q + 1) * (double)(d->elements - 1));
        quartiles[q] = ranked[d->elements - 1 - at].magnitude;
    }
    double threshold = quartiles[1] + 1.5 * (quartiles[2] - quartiles[0]);
    for (size_t i = 0; i < d->elements; i++) {
        result[i] = importance[i] >= threshold ? d->x[0][i] : base_of(d, i);
    }
    free(importance);
    free(ranked);
}

static void define_nearswap(const struct definition *d, double *result)
{
    for (size_t i = 0; i < d->elements; i++) {
        double apart = fmax(fabs(from_base(d, 0, i)), 1e-6);
        double weight = fmin(value_of(d, LW_MERGE_T) / apart, 1);
        result[i] = weight * d->x[0][i] + (1 - weight) * base_of(d, i);
    }
}

static void take_over(const struct definition *d, const float *x, double scale, double *result)
{
    for (size_t i = 0; i < d->elements; i++) {
        result[i] = scale * x[i];
    }
}

void define_merge(const struct definition *d, double *result)
{
    bool pair_missing = is(d, "model_stock") && d->count < 2;
    if (d->base && (d->count == 0 || pair_missing)) {
        take_over(d, d->base, 1, result);
    } else if (is(d, "passthrough")) {
        double scale = value_of(d, LW_MERGE_SCALE);
        take_over(d, d->x[0], isnan(scale) ? 1 : scale, result);
    } else if (d->count == 1 && d->method->solve && !d->base) {
        take_over(d, d->x[0], 1, result);
    } else if (is(d, "linear")) {
        define_linear(d, result);
    } else if (is(d, "slerp")) {
        define_slerp(d, result);
    } else if (is(d, "nuslerp")) {
        by_line(d, value_of(d, LW_MERGE_FLATTEN) > 0, value_of(d, LW_MERGE_ROW_WISE) > 0, result);
    } else if (is(d, "model_stock")) {
        by_line(d, !(value_of(d, LW_MERGE_FILTER_WISE) > 0), false, result);
    } else if (is(d, "multislerp")) {
        define_multislerp(d, result);
    } else if (is(d, "karcher")) {
        define_karcher(d, result);
    } else if (is(d, "sce")) {
        define_sce(d, result);
    } else if (is(d, "arcee_fusion")) {
        define_fusion(d, result);
    } else if (is(d, "nearswap")) {
        define_nearswap(d, result);
    } else {
        define_task(d, result);
    }
}
