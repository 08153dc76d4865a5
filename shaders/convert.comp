// SPDX-License-Identifier: Apache-2.0
// Element type conversion, rounding to nearest even. X_LOAD and Y_STORE name the two types.
// Each invocation converts four elements, the last one a tail.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "convert.h"

layout(local_size_x_id = 0) in;
LW_PUSH_CONSTANTS(lw_convert_args)

void main()
{
    uint64_t first = (lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x) * 4;
    if (first + 4 <= args.count) {
        Y_STORE4(args.y, first, X_LOAD4(args.x, first));
        return;
    }
    for (uint64_t i = first; i < args.count; i++) {
        Y_STORE(args.y, i, X_LOAD(args.x, i));
    }
}
