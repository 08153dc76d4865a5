// SPDX-License-Identifier: Apache-2.0
// The feed-forward layer's gate in double precision, written to be read. All arrays are dense.
#ifndef LW_TESTS_REFERENCE_MLP_H
#define LW_TESTS_REFERENCE_MLP_H

#include <stddef.h>

// y = silu(gate) * up, silu(x) = x / (1 + exp(-x)); gate_up [rows, 2 * columns], gate first.
void reference_swiglu(const double *gate_up, size_t rows, size_t columns, double *y);

// dgate = dy * up * silu'(gate), dup = dy * silu(gate), with s(x) = 1 / (1 + exp(-x)) and
// silu'(x) = s(x) + x * s(x) * s(-x).
void reference_swiglu_backward(
    const double *gate_up, const double *dy, size_t rows, size_t columns, double *dgate_up);

#endif
