// SPDX-License-Identifier: Apache-2.0
// Attention in double precision, written as the formulas stand: the weights of one query are
// softmax(scale * q . k) over the keys that it sees, the output is their mean of v. Dense rows, no
// tiles, nothing online. For tests/kernels/check_attention.c.
#ifndef LW_TESTS_REFERENCE_ATTENTION_H
#define LW_TESTS_REFERENCE_ATTENTION_H

#include <stdint.h>

struct reference_attention {
    uint32_t tokens, heads, kv_heads, head_dim, window; // as struct lw_attention
    double scale;
    const uint32_t *segment_start; // [tokens]
    const double *q;               // [tokens, heads, head_dim]
    const double *k, *v;           // [tokens, kv_heads, head_dim]
    double *scratch;               // [2 * tokens]
};

// The output [head_dim] of one query and head, and the log of its sum of exponentials.
double reference_attention_row(
    const struct reference_attention *attention, uint32_t query, uint32_t head, double *out);

// All outputs [tokens, heads, head_dim] and log sums [heads, tokens].
void reference_attention_forward(
    const struct reference_attention *attention, double *out, double *log_sum);

// Gradients shaped as q, k, v (zeroed by the caller) for the gradient of the outputs; `out` is the
// output as it was stored.
struct reference_attention_gradients {
    const double *out, *out_gradient; // [tokens, heads, head_dim]
    double *q, *k, *v;
};
void reference_attention_backward(const struct reference_attention *attention,
    const struct reference_attention_gradients *gradients);

#endif
