// SPDX-License-Identifier: Apache-2.0
// Element type conversion, rounding to nearest even. X and Y name the two types.
// Each invocation converts four neighbours at a time, one by one at the tail or where the arrays do
// not lie at multiples of eight bytes.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/half.glsl"
#include "convert.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint VECTORS = 1; // the arrays' addresses are multiples of 8
LW_PUSH_CONSTANTS(lw_convert_args)

void main()
{
    uint64_t first = (lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x) * 4;
    if (VECTORS != 0 && first + 4 <= args.count) {
        LW_JOIN(store4_, Y)(args.y, first, LW_JOIN(load4_, X)(args.x, first));
        return;
    }
    for (uint64_t i = first; i < min(first + 4, args.count); i++) {
        LW_JOIN(store_, Y)(args.y, i, LW_JOIN(load_, X)(args.x, i));
    }
}
