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
    uint row, column, columns = args.columns;
    if (!find_tile(args.rows, columns, row, column) ||
        args.first_row + row >= U32(args.row_count).at[0]) {
        return;
    }
    uint index = U32(args.indices + uint64_t(args.first_row + row) * 4).at[0];
    vec4 value = load_some(row_address(args.y, row, args.y_stride), column, columns);
    store_some(row_address(args.x, index, args.x_stride), column, columns, value);
}
