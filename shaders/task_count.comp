// SPDX-License-Identifier: Apache-2.0
// Counts magnitudes against a few pivots: with pivots from a sample one walk over a tensor finds
// the exact k-th largest, or a narrow bracket around it, without an atomic for each element.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/operands.glsl"
#include "task_count.h"
#include "include/task.glsl"

layout(constant_id = 3) const uint TYPE = 0;
layout(constant_id = 4) const uint BASE_TYPE = 3; // 3: there is none
LW_PUSH_CONSTANTS(lw_task_count_args)

uint counts[LW_TASK_PIVOTS];

void add(uint64_t x, uint64_t base, uint i, uint end, bool whole)
{
    vec4 value = near_part(TYPE, x, i, end, whole);
    if (BASE_TYPE != 3) {
        value -= near_part(BASE_TYPE, base, i, end, whole);
    }
    uvec4 magnitude = magnitude_of(value);
    [[unroll]] for (uint j = 0; j < LW_TASK_PIVOTS; j++) {
        uvec4 reached = uvec4(greaterThanEqual(magnitude, uvec4(args.pivots[j])));
        counts[j] += (reached.x + reached.y) + (reached.z + reached.w);
    }
}

void main()
{
    uint64_t piece = lw_group_index(), begin = piece * LW_TASK_PIECE;
    if (begin >= args.count) {
        return;
    }
    uint64_t x = args.x + begin * bytes_of(TYPE), base = args.base + begin * bytes_of(BASE_TYPE);
    uint count = uint(min(args.count - begin, uint64_t(LW_TASK_PIECE)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    [[unroll]] for (uint j = 0; j < LW_TASK_PIVOTS; j++) {
        counts[j] = 0;
    }
    for (uint at = 0; at < whole; at += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            add(x + (at + i * step) * bytes_of(TYPE), base + (at + i * step) * bytes_of(BASE_TYPE),
                first, count, true);
        }
    }
    // Elements past the end count as 0, which reaches a pivot of 0: the host asks for none.
    for (uint i = whole + first; i < count; i += step) {
        add(x, base, i, count, false);
    }
    [[unroll]] for (uint j = 0; j < LW_TASK_PIVOTS; j++) {
        float sum = reduce_add(float(counts[j])); // exact: a piece has less than 2^24 elements
        if (gl_LocalInvocationID.x == 0) {
            U32(args.counts + (piece * LW_TASK_PIVOTS + j) * 4).at[0] = uint(sum);
        }
    }
}
