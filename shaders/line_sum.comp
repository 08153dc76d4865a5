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

void process(uint row, uint column, bool whole)
{
    uint64_t at = uint64_t(row) * args.columns;
    vec4 base = vec4(0);
    if (BASE_TYPE != 3) {
        base = load_part(BASE_TYPE, args.base + at * bytes_of(BASE_TYPE), column, args.columns, whole);
    }
    vec4 factor[2];
    [[unroll]] for (uint k = 0; k < 2; k++) {
        uint64_t factors = args.factors + uint64_t(k) * args.lines * 4;
        factor[k] = COLUMNS != 0 ? load_part(TYPE_F32, factors, column, args.columns, whole)
                                 : vec4(load_f32(factors, row));
    }
    vec4 sum = base;
    vec4 a = load_part(A_TYPE, args.a + at * bytes_of(A_TYPE), column, args.columns, whole);
    sum = fma(factor[0], a - base, sum);
    if (B_TYPE != 3) {
        vec4 b = load_part(B_TYPE, args.b + at * bytes_of(B_TYPE), column, args.columns, whole);
        sum = fma(factor[1], b - base, sum);
    }
    store_part(Y_TYPE, args.y + at * bytes_of(Y_TYPE), column, args.columns, whole, sum);
}

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    for (uint c = first; c < args.columns; c += step) {
        if (FOURS == 2) {
            process(uint(group), c, true);
        } else {
            process(uint(group), c, false);
        }
    }
}
