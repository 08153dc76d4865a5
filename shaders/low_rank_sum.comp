// SPDX-License-Identifier: Apache-2.0
// A matrix, or neighbours in it, and the product of two thin ones. An invocation makes four columns of
// a few rows: what it takes of `left` is the same for the whole group.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/operands.glsl"
#include "low_rank_sum.h"

layout(local_size_x_id = 0) in;
// Whether rows, stretch and arrays begin at multiples of four elements, and end there.
layout(constant_id = 1) const bool WHOLE = false;
layout(constant_id = 2) const uint X_TYPE = 0;
layout(constant_id = 3) const uint Y_TYPE = 0;
LW_PUSH_CONSTANTS(lw_low_rank_sum_args)

// Of row k the four of this invocation, from column `begin` of its workgroup on; kept inside because of
// kernel.glsl's trap.
vec4 load_right(uint k, uint begin)
{
    uint64_t line = args.right + (uint64_t(min(k, args.rank - 1)) * args.columns + begin) * 4;
    return near_part(TYPE_F32, line, gl_LocalInvocationID.x * 4, args.columns - begin, WHOLE);
}

// The elements from `column` on of row `row`.
void add(uint row, uint column, vec4 sum)
{
    uint64_t begin = uint64_t(row) * args.columns + column;
    uint64_t end = begin - column + args.columns; // of the row
    end = min(end, args.first + args.count);
    if (WHOLE) {
        if (begin >= args.first && begin < end) {
            uint64_t i = begin - args.first;
            store4(Y_TYPE, args.y, i, fma(vec4(args.scale), sum, load4(X_TYPE, args.x, i)));
        }
        return;
    }
    [[unroll]] for (uint c = 0; c < 4; c++) {
        if (begin + c >= args.first && begin + c < end) {
            uint64_t i = begin + c - args.first;
            store(Y_TYPE, args.y, i, fma(args.scale, sum[c], load(X_TYPE, args.x, i)));
        }
    }
}

void main()
{
    uint64_t group = lw_group_index();
    uint row = args.row + uint(group / args.column_tiles) * LW_LOW_RANK_ROWS;
    uint begin = uint(group % args.column_tiles) * gl_WorkGroupSize.x * 4;
    uint column = begin + gl_LocalInvocationID.x * 4;
    if (row >= args.rows || column >= args.columns) {
        return;
    }
    vec4 sums[LW_LOW_RANK_ROWS];
    uint64_t left[LW_LOW_RANK_ROWS];
    [[unroll]] for (uint i = 0; i < LW_LOW_RANK_ROWS; i++) {
        sums[i] = vec4(0);
        left[i] = args.left + uint64_t(min(row + i, args.rows - 1)) * args.rank * 4;
    }
    for (uint k = 0; k < args.rank; k += LW_LOW_RANK_DEPTH) {
        vec4 right[LW_LOW_RANK_DEPTH];
        [[unroll]] for (uint d = 0; d < LW_LOW_RANK_DEPTH; d++) {
            right[d] = load_right(k + d, begin);
        }
        [[unroll]] for (uint i = 0; i < LW_LOW_RANK_ROWS; i++) {
            vec4 factors = F32x4(left[i] + k * 4).at[0];
            [[unroll]] for (uint d = 0; d < LW_LOW_RANK_DEPTH; d++) {
                sums[i] = fma(vec4(factors[d]), right[d], sums[i]);
            }
        }
    }
    [[unroll]] for (uint i = 0; i < LW_LOW_RANK_ROWS; i++) {
        add(row + i, column, sums[i]);
    }
}
