// SPDX-License-Identifier: Apache-2.0
// Multiply-adds in registers and nothing else: what the vector units reach at best.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "multiply_add.h"

layout(local_size_x_id = 0) in;
LW_PUSH_CONSTANTS(lw_multiply_add_args)

void main()
{
    uint i = uint(lw_group_index()) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    vec4 a = vec4(0, 1, 2, 3) + float(i % 16), b = a + 4, c = a + 8;
    vec4 factor = vec4(args.factor), addend = vec4(args.addend);
    for (uint round = 0; round < args.rounds; round++) {
        [[unroll]] for (uint step = 0; step < LW_MULTIPLY_ADD_UNROLL; step++) {
            a = fma(a, factor, addend);
            b = fma(b, factor, addend);
            c = fma(c, factor, addend);
        }
    }
    vec4 sum = a + b + c;
    if (i < args.count) {
        store_f32(args.y, i, sum.x + sum.y + sum.z + sum.w);
    }
}
