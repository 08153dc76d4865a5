// SPDX-License-Identifier: Apache-2.0
// The gradient of the feed-forward layer's gate: with s = 1 / (1 + exp(-gate)),
// silu' = s * (1 + gate * (1 - s)).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "include/math.glsl"
#include "swiglu_backward.h"

LW_PUSH_CONSTANTS(lw_swiglu_backward_args)

void main()
{
    uint row, column, columns = args.columns;
    find_tile(columns, row, column);
    uint64_t half_row = columns * STORAGE_BYTES;
    uint64_t gates = row_address(args.gate_up, row, args.gate_up_stride);
    uint64_t y_gradients = row_address(args.y_gradient, row, args.y_gradient_stride);
    uint64_t gradients = row_address(args.gate_up_gradient, row, args.gate_up_gradient_stride);
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++, column += chunk_width()) {
        if (row < args.rows && column < columns) {
            vec4 gate = load_some(gates, column, columns);
            vec4 up = load_some(gates + half_row, column, columns);
            vec4 dy = load_some(y_gradients, column, columns);
            vec4 s = 1 / (1 + exp_accurate(-gate)), silu = gate * s;
            store_some(gradients, column, columns, dy * up * fma(silu, 1 - s, s));
            store_some(gradients + half_row, column, columns, dy * silu);
        }
    }
}
