// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy over chunks of rows, and the sum of losses.
#include <math.h>
#include <string.h>

#include "engine/ops/loss.h"
#include "tests/kernels/check.h"
#include "tests/reference/loss.h"

enum use { LOSS_ONLY, GRADIENT, IN_PLACE };

struct shape {
    enum lw_type type; // of the gradient
    uint32_t rows, columns, gap;
    uint32_t first_row, trained; // the chunk's first row, and the trained rows in all
    double scale;                // of the logits
    enum use use;
    bool poisoned; // one logit is NaN: so must be its row's loss
};

static const float loss_scale = 0.0625f;

static struct check_tensor *make_logits(struct check *check, const struct shape *shape)
{
    struct check_tensor_params params = {.type = LW_F32,
        .rows = shape->rows,
        .columns = shape->columns,
        .stride = shape->columns + shape->gap,
        .scale = shape->scale,
        .written = shape->use == IN_PLACE};
    struct check_tensor *logits = check_tensor(check, &params);
    if (shape->poisoned) {
        check_set(logits, check_random(check, shape->rows * shape->columns), NAN);
    }
    return logits;
}

// The rows' losses as they must be: those of the chunk's trained rows, else poison.
static void compare(struct check *check, const struct shape *shape, const double *row_losses,
    struct check_tensor *losses, double *expected, struct check_tensor *gradient)
{
    double *gradient_terms = check_doubles(check, (uint64_t)shape->rows * shape->columns);
    // The sum of exponentials is at least one, and its logarithm as right as one is.
    double *expected_losses = check_doubles(check, losses->tensor.columns);
    double *terms = check_doubles(check, losses->tensor.columns);
    for (uint32_t i = 0; i < losses->tensor.columns; i++) {
        expected_losses[i] = NAN;
    }
    for (uint32_t r = 0; r < shape->rows; r++) {
        if (shape->first_row + r < shape->trained) {
            expected_losses[shape->first_row + r] = row_losses[r];
            terms[shape->first_row + r] = 1 + row_losses[r];
        } else {
            memset(expected + (uint64_t)r * shape->columns, 0, shape->columns * sizeof(double));
        }
    }
    check_compare_terms(check, "losses", losses, expected_losses, terms, 1e-6);
    if (gradient) {
        // At the target it is a probability less one. exp(x - max) is as right as the rounding of
        // x - max, a number of the logits' size.
        for (uint64_t i = 0; i < (uint64_t)shape->rows * shape->columns; i++) {
            gradient_terms[i] = expected[i] + (expected[i] < 0 ? 2 * loss_scale : 0);
        }
        check_compare_terms(
            check, "gradient", gradient, expected, gradient_terms, 1e-6 * fmax(1, shape->scale));
    }
}

static void cross_entropy_case(struct check *check, const struct shape *shape)
{
    static const char *const uses[] = {"loss only", "gradient", "in place"};
    if (!check_begin(check, "cross_entropy", "%s, %u rows of %u, gap %u, from %u of %u, %g, %s%s",
            check_type_name(shape->type), shape->rows, shape->columns, shape->gap, shape->first_row,
            shape->trained, shape->scale, uses[shape->use], shape->poisoned ? ", NaN" : "")) {
        return;
    }
    uint64_t count = (uint64_t)shape->rows * shape->columns;
    uint32_t all = shape->first_row + shape->rows;
    struct check_tensor *logits = make_logits(check, shape);
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->rows,
        .columns = shape->columns,
        .stride = shape->columns + shape->gap,
        .fill = CHECK_POISON,
        .written = true};
    struct check_tensor *gradient = shape->use == LOSS_ONLY  ? NULL
                                    : shape->use == IN_PLACE ? logits
                                                             : check_tensor(check, &params);
    uint32_t targets[4096];
    for (uint32_t i = 0; i < all; i++) {
        // What stands past the trained rows must not matter.
        targets[i] = i < shape->trained ? check_random(check, shape->columns) : UINT32_MAX;
    }
    struct check_tensor *target_words = check_words(check, targets, all);
    struct check_tensor *trained = check_words(check, &shape->trained, 1);
    struct check_tensor *losses = check_output(check, LW_F32, 1, all);
    struct check_tensor *scale = check_input(check, LW_F32, 1, 1);
    check_set(scale, 0, loss_scale);
    double *expected = check_doubles(check, count), *row_losses = check_doubles(check, shape->rows);
    if (!check_is_bench(check)) {
        reference_cross_entropy(logits->values, targets + shape->first_row, loss_scale, shape->rows,
            shape->columns, row_losses, expected);
    }
    struct lw_cross_entropy loss = {.logits = logits->tensor,
        .gradient = gradient ? gradient->tensor : (struct lw_tensor){0},
        .targets = target_words->buffer,
        .row_count = trained->buffer,
        .first_row = shape->first_row,
        .losses = losses->buffer,
        .loss_scale = scale->buffer};
    lw_cross_entropy(check_stream(check), &loss);
    check_work(check, (gradient ? 6.0 : 3.0) * (double)count,
        (double)count * (gradient ? 8 + (double)lw_type_size(shape->type) : 4));
    if (check_run(check)) {
        compare(check, shape, row_losses, losses, expected, gradient);
    }
    check_end(check);
}

static void loss_sum_case(struct check *check, uint32_t capacity, uint32_t count)
{
    if (!check_begin(check, "loss_sum", "%u of %u", count, capacity)) {
        return;
    }
    struct check_tensor *losses = check_input(check, LW_F32, 1, capacity);
    struct check_tensor *scale = check_input(check, LW_F32, 1, 1);
    struct check_tensor_params params = {.type = LW_F32, .rows = 1, .columns = 1, .written = true};
    struct check_tensor *sum = check_tensor(check, &params);
    double added = 0, old = sum->values[0];
    for (uint32_t i = 0; i < capacity; i++) {
        check_set(losses, i, i < count ? 12 + losses->values[i] : NAN); // not to be read
        added += i < count ? losses->values[i] : 0;
    }
    struct check_tensor *count_word = check_words(check, &count, 1);
    lw_loss_sum(
        check_stream(check), &losses->buffer, &count_word->buffer, &scale->buffer, &sum->buffer);
    check_work(check, count, 4.0 * count);
    if (check_run(check)) {
        double term = scale->values[0] * added, expected = old + term;
        double terms = fabs(old) + fabs(term);
        check_compare_terms(check, "sum", sum, &expected, &terms, 3e-7);
    }
    check_end(check);
}

void check_loss(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            cross_entropy_case(
                check, &(struct shape){type, 128, 151936, 0, 0, 128, 2, GRADIENT, false});
            cross_entropy_case(
                check, &(struct shape){type, 2, 151936, 0, 0, 2, 2, GRADIENT, false});
            cross_entropy_case(
                check, &(struct shape){type, 512, 8192, 0, 0, 512, 2, IN_PLACE, false});
            cross_entropy_case(
                check, &(struct shape){type, 512, 8192, 0, 0, 512, 2, LOSS_ONLY, false});
            continue;
        }
        for (unsigned i = 0; i < 2 * check_cases(check); i++) {
            const double scales[] = {1, 1, 10, 1e4};
            struct shape shape = {.type = type,
                .rows = check_size(check, 20),
                .columns = check_size(check, i % 4 ? 500 : 20000),
                .gap = check_random(check, 2) * check_random(check, 9),
                .first_row = check_random(check, 3) * check_random(check, 10),
                .scale = scales[check_random(check, 4)],
                .use = (enum use)check_random(check, type == LW_F32 ? 3 : 2),
                .poisoned = check_random(check, 8) == 0};
            shape.trained = check_random(check, shape.first_row + shape.rows + 4);
            cross_entropy_case(check, &shape);
        }
    }
    if (check_is_bench(check)) {
        loss_sum_case(check, 100000, 100000);
        return;
    }
    for (unsigned i = 0; i < check_cases(check); i++) {
        uint32_t capacity = check_size(check, i % 4 ? 1000 : 200000);
        loss_sum_case(check, capacity, check_random(check, capacity + 1));
    }
}
