// SPDX-License-Identifier: Apache-2.0
// One term of a weighted average in fp32. X names the type of x; four elements an invocation, as
// in convert.comp.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/half.glsl"
#include "weighted_add.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint VECTORS = 1; // the arrays' addresses are multiples of 8
LW_PUSH_CONSTANTS(lw_weighted_add_args)

void main()
{
    uint64_t first = (lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x) * 4;
    bool add = args.first == 0;
    if (VECTORS != 0 && first + 4 <= args.count) {
        vec4 sum = add ? load4_f32(args.sum, first) : vec4(0);
        store4_f32(args.sum, first, fma(vec4(args.weight), LW_JOIN(load4_, X)(args.x, first), sum));
        return;
    }
    for (uint64_t i = first; i < min(first + 4, args.count); i++) {
        float sum = add ? load_f32(args.sum, i) : 0;
        store_f32(args.sum, i, fma(args.weight, LW_JOIN(load_, X)(args.x, i), sum));
    }
}
