// SPDX-License-Identifier: Apache-2.0
// The norms of a difference before and after elements are dropped, one workgroup a piece.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/operands.glsl"
#include "task_norm.h"
#include "include/task.glsl"

layout(constant_id = 3) const uint TYPE = 0;
layout(constant_id = 4) const uint BASE_TYPE = 0;
layout(constant_id = 5) const uint KEPT = 0;
layout(constant_id = 6) const uint SQUARES = 0;
LW_PUSH_CONSTANTS(lw_task_norm_args)

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Term { lw_task_term at[]; };

vec4 all_sum = vec4(0), kept_sum = vec4(0);

// Elements begin + i .. begin + i + 3 of the part, of those before `end`.
void add(uint64_t begin, uint i, uint64_t end, bool whole)
{
    uint64_t at = begin + i;
    vec4 value = near_part(TYPE, args.x, at, end, whole) -
                 near_part(BASE_TYPE, args.base, at, end, whole);
    vec4 plane = vec4(0);
    if (KEPT == LW_TASK_PLANE) {
        plane = near_part(TYPE_F32, args.mask, at, end, whole);
    }
    vec4 rest = kept(KEPT, Term(args.term).at[0], value, uint(at), args.mask, plane);
    if (SQUARES != 0) {
        all_sum = fma(value, value, all_sum);
        kept_sum = fma(rest, rest, kept_sum);
    } else {
        all_sum += abs(value);
        kept_sum += abs(rest);
    }
}

void main()
{
    uint64_t piece = lw_group_index(), begin = piece * LW_TASK_NORM_PIECE;
    if (begin >= args.count) {
        return;
    }
    uint count = uint(min(args.count - begin, uint64_t(LW_TASK_NORM_PIECE)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    for (uint at = 0; at < whole; at += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            add(begin + at + i * step, first, begin + count, true);
        }
    }
    for (uint i = whole + first; i < count; i += step) {
        add(begin, i, begin + count, false);
    }
    float all = reduce_add((all_sum.x + all_sum.y) + (all_sum.z + all_sum.w));
    float rest = reduce_add((kept_sum.x + kept_sum.y) + (kept_sum.z + kept_sum.w));
    if (gl_LocalInvocationID.x == 0) {
        store_f32(args.sums, piece * 2, all);
        store_f32(args.sums, piece * 2 + 1, rest);
    }
}
