// SPDX-License-Identifier: Apache-2.0
// See mlp.h.
#include "tests/reference/mlp.h"

#include <math.h>

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void reference_swiglu(const double *gate_up, size_t rows, size_t columns, double *y)
{
    for (size_t r = 0; r < rows; r++) {
        const double *gate = gate_up + r * 2 * columns, *up = gate + columns;
        for (size_t c = 0; c < columns; c++) {
            y[r * columns + c] = gate[c] * sigmoid(gate[c]) * up[c];
        }
    }
}

void reference_swiglu_backward(
    const double *gate_up, const double *dy, size_t rows, size_t columns, double *dgate_up)
{
    for (size_t r = 0; r < rows; r++) {
        const double *gate = gate_up + r * 2 * columns, *up = gate + columns;
        double *dgate = dgate_up + r * 2 * columns, *dup = dgate + columns;
        for (size_t c = 0; c < columns; c++) {
            double g = gate[c], gradient = dy[r * columns + c];
            dgate[c] = gradient * up[c] * (sigmoid(g) + g * sigmoid(g) * sigmoid(-g));
            dup[c] = gradient * g * sigmoid(g);
        }
    }
}
