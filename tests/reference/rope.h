// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding in double precision, written to be read.
#ifndef LW_TESTS_REFERENCE_ROPE_H
#define LW_TESTS_REFERENCE_ROPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference_rope {
    size_t tokens, heads, head_dim, rotated;
    double scale; // of cosine and sine
    bool inverse;
    const uint32_t *positions; // [tokens]
    const uint32_t *rows;      // [tokens]
    const double *frequency;   // [rows, rotated / 2]
};

// x [tokens, heads, head_dim], in place: (x[i], x[i + rotated / 2]) is rotated by the angle
// position * frequency[row][i], which is rounded to fp32 as transformers does it.
void reference_rope(const struct reference_rope *rope, double *x);

#endif
