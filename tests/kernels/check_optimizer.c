// SPDX-License-Identifier: Apache-2.0
// AdamW, and the norm of the gradients.
#include <math.h>
#include <string.h>

#include "engine/ops/optimizer.h"
#include "tests/kernels/check.h"
#include "tests/reference/optimizer.h"

enum { most_ranges = 9 };

struct shape {
    uint32_t count;
    uint32_t ranges;
    bool copy;        // a bf16 copy of the weights is kept
    double grad_norm; // before clipping at 1
    double gradient;  // scale of the gradients
    uint32_t offset;  // elements from alignment
};

static struct check_tensor *make(struct check *check, const struct shape *shape, double scale)
{
    struct check_tensor_params params = {.type = LW_F32,
        .rows = 1,
        .columns = shape->count,
        .offset = shape->offset,
        .scale = scale,
        .written = true};
    return check_tensor(check, &params);
}

// Cuts the elements anywhere; how many ranges became of it.
static size_t cut(
    struct check *check, const struct shape *shape, struct lw_adamw_range ranges[most_ranges])
{
    size_t count = 0;
    for (uint32_t rest = shape->count; rest;) {
        bool last = count + 1 >= shape->ranges;
        uint32_t elements = last ? rest : 1 + check_random(check, rest);
        ranges[count] = (struct lw_adamw_range){
            .count = elements, .weight_decay = count % 2 ? 0 : 0.1 * (1 + (double)count)};
        rest -= elements;
        count++;
    }
    return count;
}

static void adamw_case(struct check *check, const struct shape *shape)
{
    if (!check_begin(check, "adamw",
            "%u elements in %u ranges%s, norm %g, gradients %g, %u from alignment", shape->count,
            shape->ranges, shape->copy ? ", bf16 copy" : "", shape->grad_norm, shape->gradient,
            shape->offset)) {
        return;
    }
    uint32_t count = shape->count;
    struct check_tensor *master = make(check, shape, 0.02);
    struct check_tensor *gradient = make(check, shape, shape->gradient);
    struct check_tensor *first = make(check, shape, shape->gradient);
    struct check_tensor *second = make(check, shape, shape->gradient * shape->gradient);
    struct check_tensor *weights = shape->copy ? check_output(check, LW_BF16, 1, count) : NULL;
    struct check_tensor *norm = check_input(check, LW_F32, 1, 1);
    struct check_tensor *state = check_input(check, LW_F32, 1, 4);
    check_set(norm, 0, shape->grad_norm);
    const double settings[4] = {1e-3, 0.19, 0.0447, 1};
    for (uint32_t i = 0; i < 4; i++) {
        check_set(state, i, settings[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        check_set(second, i, fabs(second->values[i]));
    }
    struct lw_adamw_range ranges[most_ranges];
    struct lw_adamw adamw = {.ranges = ranges,
        .range_count = cut(check, shape, ranges),
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .state = state->buffer,
        .grad_norm = norm->buffer};
    uint64_t begin = 0;
    for (size_t i = 0; i < adamw.range_count; i++) {
        struct lw_adamw_range *range = &ranges[i];
        range->master = lw_buffer_part(&master->buffer, begin * 4, range->count * 4);
        range->gradient = lw_buffer_part(&gradient->buffer, begin * 4, range->count * 4);
        range->first_moment = lw_buffer_part(&first->buffer, begin * 4, range->count * 4);
        range->second_moment = lw_buffer_part(&second->buffer, begin * 4, range->count * 4);
        if (weights) {
            range->weights = lw_buffer_part(&weights->buffer, begin * 2, range->count * 2);
        }
        begin += range->count;
    }
    _Alignas(uint64_t) uint32_t rows[LW_ADAMW_ROW_BYTES / sizeof(uint32_t) * most_ranges];
    lw_adamw_rows(&adamw, rows);
    adamw.rows = check_words(check, rows, (uint32_t)lw_adamw_size(adamw.range_count) / 4)->buffer;
    double *w = check_doubles(check, count), *g = check_doubles(check, count);
    double *m = check_doubles(check, count), *v = check_doubles(check, count);
    double *weight_terms = check_doubles(check, count);
    memcpy(w, master->values, count * sizeof *w);
    memcpy(weight_terms, master->values, count * sizeof *w);
    memcpy(g, gradient->values, count * sizeof *g);
    memcpy(m, first->values, count * sizeof *m);
    memcpy(v, second->values, count * sizeof *v);
    struct reference_adamw reference = {.learning_rate = state->values[0],
        .beta1 = adamw.beta1,
        .beta2 = adamw.beta2,
        .epsilon = adamw.epsilon,
        .beta1_correction = state->values[1],
        .beta2_correction = state->values[2],
        .max_grad_norm = state->values[3],
        .grad_norm = norm->values[0]};
    begin = 0;
    for (size_t i = 0; i < adamw.range_count; begin += ranges[i++].count) {
        reference.weight_decay = ranges[i].weight_decay;
        reference_adamw(
            &reference, (size_t)ranges[i].count, w + begin, g + begin, m + begin, v + begin);
    }
    lw_adamw(check_stream(check), &adamw);
    check_work(check, 16.0 * count, count * (shape->copy ? 34.0 : 32.0));
    if (check_run(check)) {
        check_compare_terms(check, "master", master, w, weight_terms, 1e-6);
        check_compare(check, "gradient", gradient, g, 0);
        check_compare(check, "first moment", first, m, 1e-6);
        check_compare(check, "second moment", second, v, 1e-6);
        for (uint32_t i = 0; weights && i < count; i++) {
            w[i] = check_round(LW_BF16, master->values[i]);
        }
        if (weights) {
            check_compare(check, "weights", weights, w, 0);
        }
    }
    check_end(check);
}

// Both steps of the norm, over two ranges as over two arenas.
static void norm_case(struct check *check, uint32_t count, double scale, bool poisoned)
{
    if (!check_begin(check, "squared_norm", "%u elements, scale %g%s", count, scale,
            poisoned ? ", NaN" : "")) {
        return;
    }
    struct check_tensor_params params = {
        .type = LW_F32, .rows = 1, .columns = count, .scale = scale};
    struct check_tensor *values = check_tensor(check, &params);
    if (poisoned) {
        check_set(values, check_random(check, count), NAN);
    }
    uint32_t partials = lw_squared_norm_partials(count);
    struct lw_buffer partial = check_scratch(check, 2 * (uint64_t)partials * 4);
    struct lw_buffer second = lw_buffer_part(&partial, (uint64_t)partials * 4, partials * 4);
    struct check_tensor *norm = check_output(check, LW_F32, 1, 1);
    double expected = sqrt(2) * reference_norm(values->values, count);
    lw_squared_norm(check_stream(check), &values->buffer, count, &partial);
    lw_squared_norm(check_stream(check), &values->buffer, count, &second);
    lw_norm_finish(check_stream(check), &partial, 2 * partials, &norm->buffer);
    check_work(check, 4.0 * count, 8.0 * count);
    if (check_run(check)) {
        check_compare(check, "norm", norm, &expected, 1e-6);
    }
    check_end(check);
}

void check_optimizer(struct check *check)
{
    const double norms[] = {0.5, 3, 1e9, 0, NAN, INFINITY};
    if (check_is_bench(check)) {
        adamw_case(check, &(struct shape){1u << 23, 1, false, 3, 1e-3, 0});
        adamw_case(check, &(struct shape){1u << 23, 1, true, 3, 1e-3, 0});
        norm_case(check, 1u << 24, 1, false);
        return;
    }
    for (unsigned i = 0; i < 3 * check_cases(check); i++) {
        const double scales[] = {1, 1e-3, 1e-15, 0};
        struct shape shape = {check_size(check, 20000),
            i % 2 ? 1 : 1 + check_random(check, most_ranges), check_random(check, 2),
            norms[check_random(check, 6)], scales[check_random(check, 4)], check_random(check, 2)};
        adamw_case(check, &shape);
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        norm_case(check, check_size(check, i % 4 ? 5000 : 300000), i % 3 ? 1 : 1e-12,
            check_random(check, 8) == 0);
    }
}
