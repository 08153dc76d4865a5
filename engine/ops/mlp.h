// SPDX-License-Identifier: Apache-2.0
// The gate of the feed-forward layer: y = silu(gate) * up, with silu(x) = x / (1 + exp(-x))
// (arXiv 2002.05202), and its gradient.
#ifndef LW_OPS_MLP_H
#define LW_OPS_MLP_H

#include "engine/ops/tensor.h"

// gate_up [rows, 2 * columns]: gate in the first half of each row, up in the second.
// y [rows, columns].
void lw_swiglu(
    struct lw_stream *stream, const struct lw_tensor *gate_up, const struct lw_tensor *y);

// gate_up_gradient [rows, 2 * columns] from y_gradient [rows, columns]; it may be gate_up itself.
void lw_swiglu_backward(struct lw_stream *stream, const struct lw_tensor *gate_up,
    const struct lw_tensor *y_gradient, const struct lw_tensor *gate_up_gradient);

#endif
