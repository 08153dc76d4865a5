// SPDX-License-Identifier: Apache-2.0
// The most likely token of one row of logits. NaN is never the largest.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "argmax.h"

LW_PUSH_CONSTANTS(lw_argmax_args)

void main()
{
    float best = uintBitsToFloat(0xff800000u); // -infinity
    uint best_index = 0;
    for (uint i = gl_LocalInvocationID.x * 4; i < args.count; i += gl_WorkGroupSize.x * 4) {
        vec4 value = load_some_f32(args.logits, i, args.count);
        [[unroll]] for (uint j = 0; j < 4; j++) {
            if (i + j < args.count && value[j] > best) {
                best = value[j];
                best_index = i + j;
            }
        }
    }
    float largest = reduce_max(best);
    uint index = reduce_min(best == largest ? best_index : 0xffffffffu);
    if (gl_LocalInvocationID.x == 0) {
        U32(args.next).at[0] = index;
    }
}
