// SPDX-License-Identifier: Apache-2.0
// Draws which elements stay: a function of seed, stream and the element's index in its tensor, so
// the same whatever the parts and the device. An invocation makes one word of 32 elements.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/philox.glsl"
#include "task_random.h"

layout(local_size_x_id = 0) in;
LW_PUSH_CONSTANTS(lw_task_random_args)

void main()
{
    uint64_t word = lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (word >= args.count) {
        return;
    }
    uint64_t counter = args.first / 4 + word * 8;
    uvec2 key = uvec2(uint(args.seed), uint(args.seed >> 32));
    uint bits = 0;
    [[unroll]] for (uint i = 0; i < 8; i++) {
        uint64_t index = counter + i;
        uvec4 random = philox4x32(uvec4(uint(index), uint(index >> 32), uint(args.stream),
                                      uint(args.stream >> 32)),
            key);
        uvec4 below = uvec4(lessThan(random, uvec4(args.threshold)));
        bits |= (below.x | below.y << 1 | below.z << 2 | below.w << 3) << (4 * i);
    }
    U32(args.words + word * 4).at[0] = bits;
}
