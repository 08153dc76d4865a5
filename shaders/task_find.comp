// SPDX-License-Identifier: Apache-2.0
// Finds where a count of equal magnitudes ends, inside the one piece of which it is known that it
// does: each invocation counts a stretch of neighbours, then the one in whose stretch the rank falls
// walks through it.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/operands.glsl"
#include "task_find.h"
#include "include/task.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = 0;
layout(constant_id = 1) const uint BASE_TYPE = 3; // 3: there is none
LW_PUSH_CONSTANTS(lw_task_find_args)

shared uint counts[128];

bool is_equal(uint i)
{
    float value = load(TYPE, args.x, i);
    if (BASE_TYPE != 3) {
        value -= load(BASE_TYPE, args.base, i);
    }
    return (floatBitsToUint(value) & 0x7fffffffu) == args.bits;
}

void main()
{
    uint me = gl_LocalInvocationID.x, stretch = (args.count + 127) / 128;
    uint begin = args.first + min(me * stretch, args.count);
    uint end = args.first + min((me + 1) * stretch, args.count);
    uint count = 0;
    for (uint i = begin; i < end; i++) {
        count += is_equal(i) ? 1 : 0;
    }
    counts[me] = count;
    barrier();
    uint before = 0;
    for (uint k = 0; k < me; k++) {
        before += counts[k];
    }
    if (before >= args.rank || before + count < args.rank) {
        return;
    }
    for (uint i = begin; i < end; i++) {
        before += is_equal(i) ? 1 : 0;
        if (before == args.rank) {
            U32(args.target).at[0] = i + 1;
            return;
        }
    }
}
