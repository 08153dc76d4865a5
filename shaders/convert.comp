// SPDX-License-Identifier: Apache-2.0
// Element type conversion, rounding to nearest even. X and Y name the two types.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "include/half.glsl"
#include "convert.h"

LW_PUSH_CONSTANTS(lw_convert_args)

void main()
{
    if (group_is_whole(args.count)) {
        uint64_t first = first_four();
        [[unroll]] for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
            vec4 x = LW_JOIN(near4_, X)(args.x + chunk_offset(chunk) * LW_JOIN(BYTES_, X), first);
            LW_JOIN(store4_, Y)(args.y + chunk_offset(chunk) * LW_JOIN(BYTES_, Y), first, x);
        }
        return;
    }
    uint64_t i = group_start() + gl_LocalInvocationID.x, end = group_end(args.count);
    for (; i < end; i += gl_WorkGroupSize.x) {
        LW_JOIN(store_, Y)(args.y, i, LW_JOIN(load_, X)(args.x, i));
    }
}
