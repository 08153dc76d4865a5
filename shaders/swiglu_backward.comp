// SPDX-License-Identifier: Apache-2.0
// The gradient of the feed-forward layer's gate: with s = 1 / (1 + exp(-gate)),
// silu' = s * (1 + gate * (1 - s)).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "swiglu_backward.h"

LW_PUSH_CONSTANTS(lw_swiglu_backward_args)

void swiglu_backward(inout vec4 gate, inout vec4 up, vec4 dy)
{
    vec4 s = 1 / (1 + exp(-gate)), silu = gate * s;
    gate = dy * up * fma(silu, 1 - s, s);
    up = dy * silu;
}

void main()
{
    uint row, start, columns = args.columns;
    find_tile(columns, row, start);
    if (row >= args.rows) {
        return;
    }
    uint64_t half_row = columns * STORAGE_BYTES;
    uint64_t gates = row_address(args.gate_up, row, args.gate_up_stride);
    uint64_t y_gradients = row_address(args.y_gradient, row, args.y_gradient_stride);
    uint64_t gradients = row_address(args.gate_up_gradient, row, args.gate_up_gradient_stride);
    if (tile_is_whole(start, columns)) {
        [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
            uint64_t at = chunk_bytes(start, chunk);
            vec4 gate = pairs_storage(gates + at, four());
            vec4 up = pairs_storage(gates + half_row + at, four());
            swiglu_backward(gate, up, pairs_storage(y_gradients + at, four()));
            store_pairs_storage(gradients + at, four(), gate);
            store_pairs_storage(gradients + half_row + at, four(), up);
        }
        return;
    }
    uint end = tile_end(start, columns);
    for (uint c = start + four(); c < end; c += chunk_width()) {
        vec4 gate = load_some(gates, c, end), up = load_some(gates + half_row, c, end);
        swiglu_backward(gate, up, load_some(y_gradients, c, end));
        store_some(gradients, c, end, gate);
        store_some(gradients + half_row, c, end, up);
    }
}
