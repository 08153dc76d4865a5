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
    uint row, column, columns = args.columns;
    if (!find_tile(args.rows, columns, row, column)) {
        return;
    }
    vec4 value = vec4(0);
    if (args.all_rows != 0 || args.first_row + row < U32(args.row_count).at[0]) {
        uint index = U32(args.indices + uint64_t(args.first_row + row) * 4).at[0];
        value = load_some(row_address(args.x, index, args.x_stride), column, columns);
    }
    store_some(row_address(args.y, row, args.y_stride), column, columns, value);
}
