// SPDX-License-Identifier: Apache-2.0
// See optimizer.h.
#include "tests/reference/optimizer.h"

#include <math.h>

void reference_adamw(const struct reference_adamw *adamw, size_t count, double *weight,
    double *gradient, double *first, double *second)
{
    double clip = 1;
    if (adamw->max_grad_norm != 0) {
        double ratio = adamw->max_grad_norm / (adamw->grad_norm + 1e-6);
        clip = ratio >= 1 ? 1 : ratio;
    }
    for (size_t i = 0; i < count; i++) {
        double g = gradient[i] * clip;
        first[i] = adamw->beta1 * first[i] + (1 - adamw->beta1) * g;
        second[i] = adamw->beta2 * second[i] + (1 - adamw->beta2) * g * g;
        weight[i] -= adamw->learning_rate * adamw->weight_decay * weight[i];
        weight[i] -= adamw->learning_rate / adamw->beta1_correction * first[i] /
                     (sqrt(second[i]) / adamw->beta2_correction + adamw->epsilon);
        gradient[i] = 0;
    }
}

double reference_norm(const double *values, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        squares += values[i] * values[i];
    }
    return sqrt(squares);
}
