// SPDX-License-Identifier: Apache-2.0
// A weighted sum of up to LW_SUM_TERMS arrays, read once and written once. How many there are and
// their element types are constants, so that nothing of the choice is left in the compiled kernel.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/operands.glsl"
#include "weighted_sum.h"

layout(constant_id = 3) const uint TERMS = 1;
layout(constant_id = 4) const uint X_TYPES = 0; // two bits a term, the first lowest
layout(constant_id = 5) const uint Y_TYPE = 0;
LW_PUSH_CONSTANTS(lw_weighted_sum_args)

vec4 sum_whole(uint64_t offset, uint64_t i)
{
    vec4 sum = vec4(0);
    [[unroll]] for (uint k = 0; k < LW_SUM_TERMS; k++) {
        if (k < TERMS) {
            uint type = type_of(X_TYPES, k);
            vec4 x = near4(type, args.x[k] + offset * bytes_of(type), i);
            sum = fma(vec4(args.weight[k]), x, sum);
        }
    }
    return sum;
}

float sum_single(uint64_t i)
{
    float sum = 0;
    [[unroll]] for (uint k = 0; k < LW_SUM_TERMS; k++) {
        if (k < TERMS) {
            sum = fma(args.weight[k], load(type_of(X_TYPES, k), args.x[k], i), sum);
        }
    }
    return sum;
}

// A workgroup walks a piece: on CPU drivers that is several times as fast as one large group for it.
void main()
{
    uint64_t begin = lw_group_index() * LW_SUM_PIECE;
    if (begin >= args.count) {
        return;
    }
    uint count = uint(min(args.count - begin, uint64_t(LW_SUM_PIECE)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    for (uint at = 0; at < whole; at += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            uint64_t offset = begin + at + i * step;
            store4(Y_TYPE, args.y + offset * bytes_of(Y_TYPE), first, sum_whole(offset, first));
        }
    }
    for (uint i = whole + gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x) {
        store(Y_TYPE, args.y, begin + i, sum_single(begin + i));
    }
}
