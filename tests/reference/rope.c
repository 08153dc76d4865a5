// SPDX-License-Identifier: Apache-2.0
// See rope.h.
#include "tests/reference/rope.h"

#include <math.h>

void reference_rope(const struct reference_rope *rope, double *x)
{
    size_t half = rope->rotated / 2;
    for (size_t t = 0; t < rope->tokens; t++) {
        for (size_t h = 0; h < rope->heads; h++) {
            double *head = x + (t * rope->heads + h) * rope->head_dim;
            for (size_t i = 0; i < half; i++) {
                double frequency = rope->frequency[rope->rows[t] * half + i];
                float angle = (float)rope->positions[t] * (float)frequency;
                double cosine = rope->scale * cos((double)angle);
                double sine = rope->scale * sin((double)angle) * (rope->inverse ? -1 : 1);
                double a = head[i], b = head[i + half];
                head[i] = a * cosine - b * sine;
                head[i + half] = b * cosine + a * sine;
            }
        }
    }
}
