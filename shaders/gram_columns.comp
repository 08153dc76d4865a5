// SPDX-License-Identifier: Apache-2.0
// Inner products of two matrices' columns: an invocation owns four columns of one slice of rows.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/operands.glsl"
#include "gram_columns.h"

layout(constant_id = 2) const uint A_TYPE = 0;
layout(constant_id = 3) const uint B_TYPE = 0;
layout(constant_id = 4) const uint BASE_TYPE = 3; // 3: there is none
LW_PUSH_CONSTANTS(lw_gram_columns_args)

// Of row `row` the four of this invocation, from column `begin` of its workgroup on; kept inside because
// of kernel.glsl's trap.
vec4 fetch(uint type, uint64_t address, uint row, uint begin)
{
    uint64_t line =
        address + (uint64_t(min(row, args.rows - 1)) * args.columns + begin) * bytes_of(type);
    uint first = gl_LocalInvocationID.x * 4, end = args.columns - begin;
    if (FOURS == 2) {
        return near_part(type, line, first, end, true);
    }
    return near_part(type, line, first, end, false);
}

void main()
{
    uint columns = args.columns, width = gl_WorkGroupSize.x * 4;
    uint groups_a_slice = (columns + width - 1) / width;
    uint64_t group = lw_group_index(), slice = group / groups_a_slice;
    uint64_t first_row = slice * args.slice_rows;
    uint begin = uint(group % groups_a_slice) * width;
    uint column = begin + gl_LocalInvocationID.x * 4;
    if (first_row >= args.rows || column >= columns) {
        return;
    }
    uint end = uint(min(first_row + args.slice_rows, uint64_t(args.rows)));
    vec4 aa = vec4(0), ab = vec4(0), bb = vec4(0);
    for (uint row = uint(first_row); row < end; row++) {
        vec4 base = vec4(0);
        if (BASE_TYPE != 3) {
            base = fetch(BASE_TYPE, args.base, row, begin);
        }
        vec4 a = fetch(A_TYPE, args.a, row, begin) - base;
        vec4 b = fetch(B_TYPE, args.b, row, begin) - base;
        aa = fma(a, a, aa);
        ab = fma(a, b, ab);
        bb = fma(b, b, bb);
    }
    uint64_t products = args.products + slice * columns * 12;
    store_some_f32(products, column, columns, aa);
    store_some_f32(products + uint64_t(columns) * 4, column, columns, ab);
    store_some_f32(products + uint64_t(columns) * 8, column, columns, bb);
}
