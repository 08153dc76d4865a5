// SPDX-License-Identifier: Apache-2.0
// Sums of columns over slices of rows, in row order: an invocation owns four columns of one slice.
// Runs once over the rows and once more over the slices' sums.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "sum_rows.h"

LW_PUSH_CONSTANTS(lw_sum_rows_args)

void main()
{
    uint columns = args.columns, width = gl_WorkGroupSize.x * 4;
    uint groups_a_slice = (columns + width - 1) / width;
    uint64_t group = lw_group_index(), slice = group / groups_a_slice;
    uint64_t first_row = slice * args.slice_rows;
    uint column = uint(group % groups_a_slice) * width + gl_LocalInvocationID.x * 4;
    if (first_row >= args.rows || column >= columns) {
        return;
    }
    uint row = uint(first_row), end = uint(min(first_row + args.slice_rows, args.rows));
    uint64_t sums = args.sums + slice * columns * 4;
    vec4 sum = args.add != 0 ? load_some_f32(sums, column, columns) : vec4(0);
    for (; row + BLOCK <= end; row += BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            sum += load_some(row_address(args.x, row + i, args.stride), column, columns);
        }
    }
    for (; row < end; row++) {
        sum += load_some(row_address(args.x, row, args.stride), column, columns);
    }
    store_some_f32(sums, column, columns, sum);
}
