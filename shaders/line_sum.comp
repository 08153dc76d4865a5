// SPDX-License-Identifier: Apache-2.0
// A weighted sum of two matrices with weights of their own for each row or each column, one
// workgroup a row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/operands.glsl"
#include "line_sum.h"

layout(constant_id = 3) const uint A_TYPE = 0;
layout(constant_id = 4) const uint B_TYPE = 3;    // 3: there is none
layout(constant_id = 5) const uint BASE_TYPE = 3; // 3: there is none
layout(constant_id = 6) const uint Y_TYPE = 0;
layout(constant_id = 7) const uint COLUMNS = 0;
LW_PUSH_CONSTANTS(lw_line_sum_args)

// Elements begin + first .. begin + first + 3 of a row, of those before `end`.
void process(uint row, uint begin, uint first, bool whole)
{
    uint64_t at = uint64_t(row) * args.columns + begin;
    uint end = args.columns - begin;
    vec4 base = vec4(0);
    if (BASE_TYPE != 3) {
        base = near_part(BASE_TYPE, args.base + at * bytes_of(BASE_TYPE), first, end, whole);
    }
    vec4 factor[2];
    [[unroll]] for (uint k = 0; k < 2; k++) {
        uint64_t factors = args.factors + uint64_t(k) * args.lines * 4;
        factor[k] = COLUMNS != 0
                        ? near_part(TYPE_F32, factors + uint64_t(begin) * 4, first, end, whole)
                        : vec4(load_f32(factors, row));
    }
    vec4 sum = base;
    vec4 a = near_part(A_TYPE, args.a + at * bytes_of(A_TYPE), first, end, whole);
    sum = fma(factor[0], a - base, sum);
    if (B_TYPE != 3) {
        vec4 b = near_part(B_TYPE, args.b + at * bytes_of(B_TYPE), first, end, whole);
        sum = fma(factor[1], b - base, sum);
    }
    store_part(Y_TYPE, args.y + at * bytes_of(Y_TYPE), first, end, whole, sum);
}

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = FOURS == 2 ? args.columns / step * step : 0;
    for (uint begin = 0; begin < whole; begin += step) {
        process(uint(group), begin, first, true);
    }
    for (uint begin = whole; begin < args.columns; begin += step) {
        if (begin + first < args.columns) {
            process(uint(group), begin, first, false);
        }
    }
}
