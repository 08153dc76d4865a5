// SPDX-License-Identifier: Apache-2.0
// The feed-forward layer's gate.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "swiglu.h"

LW_PUSH_CONSTANTS(lw_swiglu_args)

vec4 swiglu(vec4 gate, vec4 up)
{
    return gate / (1 + exp(-gate)) * up;
}

void main()
{
    uint row, start, columns = args.columns;
    find_tile(columns, row, start);
    if (row >= args.rows) {
        return;
    }
    uint64_t gates = row_address(args.gate_up, row, args.gate_up_stride);
    uint64_t ups = gates + columns * STORAGE_BYTES;
    uint64_t y = row_address(args.y, row, args.y_stride);
    if (tile_is_whole(start, columns)) {
        [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
            uint64_t at = chunk_bytes(start, chunk);
            vec4 gate = pairs_storage(gates + at, four()), up = pairs_storage(ups + at, four());
            store_pairs_storage(y + at, four(), swiglu(gate, up));
        }
        return;
    }
    uint end = tile_end(start, columns);
    for (uint c = start + four(); c < end; c += chunk_width()) {
        store_some(y, c, end, swiglu(load_some(gates, c, end), load_some(ups, c, end)));
    }
}
