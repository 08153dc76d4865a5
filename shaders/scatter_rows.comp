// SPDX-License-Identifier: Apache-2.0
// Rows copied to where their indices say: the reverse of gather_rows.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "scatter_rows.h"

LW_PUSH_CONSTANTS(lw_scatter_rows_args)

void main()
{
    uint row, start, columns = args.columns;
    find_tile(columns, row, start);
    if (row >= args.rows || args.first_row + row >= U32(args.row_count).at[0]) {
        return;
    }
    uint index = U32(args.indices + uint64_t(args.first_row + row) * 4).at[0];
    uint64_t x = row_address(args.x, index, args.x_stride);
    uint64_t y = row_address(args.y, row, args.y_stride);
    if (tile_is_whole(start, columns)) {
        [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
            uint64_t at = chunk_bytes(start, chunk);
            copy4_storage(x + at, y + at, four());
        }
        return;
    }
    uint end = tile_end(start, columns);
    for (uint c = start + four(); c < end; c += chunk_width()) {
        store_some(x, c, end, load_some(y, c, end));
    }
}
