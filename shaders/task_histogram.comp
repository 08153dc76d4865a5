// SPDX-License-Identifier: Apache-2.0
// A histogram of the magnitudes inside a bracket. Sums of integers are the same in any order, so the
// atomics are repeatable; on CPUs they are slow, so the bracket should hold few elements.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "include/operands.glsl"
#include "task_histogram.h"
#include "include/task.glsl"

layout(constant_id = 2) const uint TYPE = 0;
layout(constant_id = 3) const uint BASE_TYPE = 3; // 3: there is none
LW_PUSH_CONSTANTS(lw_task_histogram_args)

void process(uint64_t offset, uint64_t first, bool whole)
{
    uint64_t end = args.count - offset;
    vec4 value = near_part(TYPE, args.x + offset * bytes_of(TYPE), first, end, whole);
    if (BASE_TYPE != 3) {
        value -= near_part(BASE_TYPE, args.base + offset * bytes_of(BASE_TYPE), first, end, whole);
    }
    uvec4 distance = magnitude_of(value) - args.low;
    bvec4 inside = lessThan(distance, uvec4(args.width));
    if (any(inside)) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            if (inside[i] && (whole || first + i < end)) {
                atomicAdd(U32(args.bins).at[distance[i] >> args.shift], 1);
            }
        }
    }
}

void main()
{
    uint64_t first = first_four();
    if (group_is_whole(args.count)) {
        [[unroll]] for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
            process(chunk_offset(chunk), first, true);
        }
        return;
    }
    for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
        if (first + chunk_offset(chunk) < args.count) {
            process(0, first + chunk_offset(chunk), false);
        }
    }
}
