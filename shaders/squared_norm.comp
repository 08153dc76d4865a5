// SPDX-License-Identifier: Apache-2.0
// Sums of squares, one workgroup a piece.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "squared_norm.h"

LW_PUSH_CONSTANTS(lw_squared_norm_args)

void main()
{
    uint64_t piece = lw_group_index(), begin = piece * LW_NORM_PIECE;
    if (begin >= args.count) {
        return;
    }
    uint64_t values = args.values + begin * 4;
    uint count = uint(min(args.count - begin, uint64_t(LW_NORM_PIECE)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    vec4 sum = vec4(0);
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            vec4 value = pairs_f32(values + (base + i * step) * 4, first);
            sum = fma(value, value, sum);
        }
    }
    for (uint i = whole + first; i < count; i += step) {
        vec4 value = load_some_f32(values, i, count);
        sum = fma(value, value, sum);
    }
    float total = reduce_add((sum.x + sum.y) + (sum.z + sum.w));
    if (gl_LocalInvocationID.x == 0) {
        store_f32(args.partial, piece, total);
    }
}
