// SPDX-License-Identifier: Apache-2.0
// The feed-forward layer's gate.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "include/math.glsl"
#include "swiglu.h"

LW_PUSH_CONSTANTS(lw_swiglu_args)

void main()
{
    uint row, column, columns = args.columns;
    find_tile(columns, row, column);
    uint64_t gates = row_address(args.gate_up, row, args.gate_up_stride);
    uint64_t ups = gates + columns * STORAGE_BYTES;
    uint64_t y = row_address(args.y, row, args.y_stride);
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++, column += chunk_width()) {
        if (row < args.rows && column < columns) {
            vec4 gate = load_some(gates, column, columns), up = load_some(ups, column, columns);
            store_some(y, column, columns, gate / (1 + exp_accurate(-gate)) * up);
        }
    }
}
