// SPDX-License-Identifier: Apache-2.0
// Rows copied by index: token embeddings, and the rows of the head that are trained.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "gather_rows.h"

LW_PUSH_CONSTANTS(lw_gather_rows_args)

void main()
{
    uint row, start, columns = args.columns;
    find_tile(columns, row, start);
    if (row >= args.rows) {
        return;
    }
    uint index = U32(args.indices + uint64_t(args.first_row + row) * 4).at[0];
    bool given = args.all_rows != 0 || args.first_row + row < U32(args.row_count).at[0];
    uint64_t x = row_address(args.x, index, args.x_stride);
    uint64_t y = row_address(args.y, row, args.y_stride);
    if (given && tile_is_whole(start, columns)) {
        [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
            uint64_t at = chunk_bytes(start, chunk);
            copy4_storage(y + at, x + at, four());
        }
        return;
    }
    uint end = tile_end(start, columns);
    for (uint c = start + four(); c < end; c += chunk_width()) {
        vec4 value = vec4(0);
        if (given) {
            value = load_some(x, c, end);
        }
        store_some(y, c, end, value);
    }
}
