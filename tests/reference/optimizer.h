// SPDX-License-Identifier: Apache-2.0
// AdamW in double precision, written to be read.
#ifndef LW_TESTS_REFERENCE_OPTIMIZER_H
#define LW_TESTS_REFERENCE_OPTIMIZER_H

#include <stddef.h>

struct reference_adamw {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double beta1_correction; // 1 - beta1^t
    double beta2_correction; // sqrt(1 - beta2^t)
    double max_grad_norm;    // 0: no clipping
    double grad_norm;
};

// g = gradient * min(1, max_grad_norm / (grad_norm + 1e-6)), a NaN staying one;
// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= lr * decay * w;
// w -= lr / c1 * m / (sqrt(v) / c2 + epsilon); gradient = 0.
void reference_adamw(const struct reference_adamw *adamw, size_t count, double *weight,
    double *gradient, double *first, double *second);

// sqrt of the sum of squares.
double reference_norm(const double *values, size_t count);

#endif
