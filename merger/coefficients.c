// SPDX-License-Identifier: Apache-2.0
// See coefficients.h. The thresholds are mergekit's.
#include "merger/coefficients.h"

#include <math.h>

static double product_of(const struct lw_merge_spherical *s, size_t i, size_t k)
{
    return s->products[i * s->count + k];
}

static double norm_of(const struct lw_merge_spherical *s, size_t i)
{
    return sqrt(fmax(product_of(s, i, i), 0));
}

// The inner product of two weighted sums.
static double inner(const struct lw_merge_spherical *s, const double *left, const double *right)
{
    double sum = 0;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->count; k++) {
            sum += left[i] * right[k] * product_of(s, i, k);
        }
    }
    return sum;
}

static double length_of(const struct lw_merge_spherical *s, const double *weights)
{
    return sqrt(fmax(inner(s, weights, weights), 0));
}

static void divide(const struct lw_merge_spherical *s, double *weights, double by)
{
    for (size_t i = 0; i < s->count; i++) {
        weights[i] /= by;
    }
}

// From the first model to the second along the arc between them, t of the way.
static void along_arc(struct lw_merge_spherical *s, double t, double angle, bool straight)
{
    s->coefficients[0] = straight ? 1 - t : sin((1 - t) * angle) / sin(angle);
    s->coefficients[1] = straight ? t : sin(t * angle) / sin(angle);
}

bool lw_solve_slerp(struct lw_merge_spherical *s, struct lw_error *error)
{
    (void)error;
    double first = norm_of(s, 0), second = norm_of(s, 1);
    double cosine =
        product_of(s, 0, 1) / ((first > 1e-8 ? first : 1) * (second > 1e-8 ? second : 1));
    bool straight = fabs(cosine) > 0.9995;
    along_arc(s, s->t, straight ? 0 : acos(cosine), straight);
    return true;
}

bool lw_solve_nuslerp(struct lw_merge_spherical *s, struct lw_error *error)
{
    (void)error;
    double sum = s->weights[0] + s->weights[1];
    double t = fabs(sum) < 1e-6 ? 0.5 : s->weights[1] / sum;
    double lengths = fmax(norm_of(s, 0), 1e-7) * fmax(norm_of(s, 1), 1e-7);
    double angle = acos(fmin(fmax(product_of(s, 0, 1) / lengths, -1), 1));
    along_arc(s, t, angle, fabs(sin(angle)) < 1e-8);
    return true;
}

// mergekit also moves from the mean of the directions along their mean tangent there. But the
// directions are projected from the mean with the same weights that made it, so the tangents cancel:
// sum w_i (u_i - (u_i m) m) = |mean| m - |mean| m. What is left is the mean's direction, as long as the
// models are on average.
bool lw_solve_multislerp(struct lw_merge_spherical *s, struct lw_error *error)
{
    double sum = 0, average = 0;
    bool same = true; // nothing is there to be averaged: tensors that no model has changed
    for (size_t i = 0; i < s->count; i++) {
        sum += s->weights[i];
        same = same && norm_of(s, i) == 0;
    }
    double divisor = s->normalize ? sum : 1;
    if (divisor == 0) {
        return lw_fail(error, LW_USAGE, "the weights have the sum 0, so they cannot be normalized");
    }
    for (size_t i = 0; i < s->count; i++) {
        double weight = s->weights[i] / divisor;
        average += weight * norm_of(s, i);
        s->coefficients[i] = weight / (norm_of(s, i) + s->eps);
    }
    double length = length_of(s, s->coefficients);
    if (length >= s->eps || same) {
        divide(s, s->coefficients, same ? 1 : length / average);
        return true;
    }
    if (s->count != 2) {
        return lw_fail(
            error, LW_USAGE, "the weighted directions of the models cancel; take other weights");
    }
    s->coefficients[0] = s->weights[0] / divisor;
    s->coefficients[1] = s->weights[1] / divisor;
    return true;
}

// The mean of the directions under the measure of angles: steps along the mean tangent until it is
// shorter than `tol`.
static void step_to_mean(struct lw_merge_spherical *s, const double *share)
{
    double *mean = s->coefficients, *tangent = s->scratch + s->count;
    for (unsigned round = 0; round < s->max_iter; round++) {
        double along = 0; // of the mean in the tangent
        for (size_t i = 0; i < s->count; i++) {
            tangent[i] = 0;
        }
        for (size_t i = 0; i < s->count; i++) {
            double dot = 0, length = norm_of(s, i);
            for (size_t k = 0; k < s->count; k++) {
                dot += mean[k] * product_of(s, i, k);
            }
            dot = length > 0 ? fmin(fmax(dot / length, -1), 1) : 0;
            double angle = acos(dot);
            if (share[i] != 0 && angle >= s->tol) {
                double pull = share[i] * angle / sin(angle);
                tangent[i] += pull / length;
                along += pull * dot;
            }
        }
        for (size_t i = 0; i < s->count; i++) {
            tangent[i] -= along * mean[i];
        }
        double length = length_of(s, tangent);
        if (length < s->tol) {
            return;
        }
        for (size_t i = 0; i < s->count; i++) {
            mean[i] = cos(length) * mean[i] + sin(length) / length * tangent[i];
        }
        divide(s, mean, fmax(length_of(s, mean), s->tol));
    }
}

bool lw_solve_karcher(struct lw_merge_spherical *s, struct lw_error *error)
{
    (void)error;
    double *share = s->scratch, valid = 0, scale = 0;
    size_t first = s->count;
    for (size_t i = 0; i < s->count; i++) {
        scale += norm_of(s, i) / (double)s->count;
        share[i] = norm_of(s, i) > s->tol ? 1 : 0;
        valid += share[i];
        first = share[i] != 0 && first == s->count ? i : first;
    }
    for (size_t i = 0; i < s->count; i++) {
        share[i] = valid > 0 ? share[i] / valid : 0;
        s->coefficients[i] = share[i] != 0 ? share[i] / norm_of(s, i) : 0;
    }
    if (valid == 0) {
        return true; // all are zero, and so is the mean
    }
    double length = length_of(s, s->coefficients);
    if (length < s->tol) { // the directions cancel: begin at the first
        for (size_t i = 0; i < s->count; i++) {
            s->coefficients[i] = i == first ? 1 / norm_of(s, i) : 0;
        }
    } else {
        divide(s, s->coefficients, length);
    }
    step_to_mean(s, share);
    for (size_t i = 0; i < s->count; i++) {
        s->coefficients[i] *= scale;
    }
    return true;
}

bool lw_solve_model_stock(struct lw_merge_spherical *s, struct lw_error *error)
{
    (void)error;
    double sum = 0, count = (double)s->count;
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = i + 1; k < s->count; k++) {
            double lengths = fmax(norm_of(s, i) * norm_of(s, k), 1e-6);
            sum += fmin(fmax(product_of(s, i, k) / lengths, -1), 1);
        }
    }
    double cosine = sum / (count * (count - 1) / 2);
    double t = count * cosine / (1 + (count - 1) * cosine);
    for (size_t i = 0; i < s->count; i++) {
        s->coefficients[i] = t / count;
    }
    return true;
}
