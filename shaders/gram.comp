// SPDX-License-Identifier: Apache-2.0
// Inner products of arrays, or of their differences from a base, one workgroup a piece: from these
// alone follow the coefficients of all methods that work with angles.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/operands.glsl"
#include "gram.h"

layout(constant_id = 3) const uint A_COUNT = 1;
layout(constant_id = 4) const uint B_COUNT = 1;
layout(constant_id = 5) const uint A_TYPES = 0;
layout(constant_id = 6) const uint B_TYPES = 0;
layout(constant_id = 7) const uint BASE_TYPE = 3; // 3: there is none
layout(constant_id = 8) const uint SAME = 0;      // 1: a and b are the same arrays
LW_PUSH_CONSTANTS(lw_gram_args)

vec4 sums[LW_GRAM_SIDE * LW_GRAM_SIDE];

vec4 fetch(uint type, uint64_t address, uint64_t begin, uint i, uint end, bool whole)
{
    return near_part(type, address + begin * bytes_of(type), i, end, whole);
}

void add(uint64_t begin, uint i, uint end, bool whole)
{
    vec4 base = vec4(0), a[LW_GRAM_SIDE], b[LW_GRAM_SIDE];
    if (BASE_TYPE != 3) {
        base = fetch(BASE_TYPE, args.base, begin, i, end, whole);
    }
    [[unroll]] for (uint k = 0; k < LW_GRAM_SIDE; k++) {
        if (k < A_COUNT) {
            a[k] = fetch(type_of(A_TYPES, k), args.a[k], begin, i, end, whole) - base;
        }
        if (SAME != 0) {
            b[k] = a[k];
        } else if (k < B_COUNT) {
            b[k] = fetch(type_of(B_TYPES, k), args.b[k], begin, i, end, whole) - base;
        }
    }
    [[unroll]] for (uint j = 0; j < LW_GRAM_SIDE; j++) {
        [[unroll]] for (uint k = 0; k < LW_GRAM_SIDE; k++) {
            if (j < A_COUNT && k < B_COUNT && (SAME == 0 || k >= j)) {
                sums[j * LW_GRAM_SIDE + k] = fma(a[j], b[k], sums[j * LW_GRAM_SIDE + k]);
            }
        }
    }
}

void main()
{
    uint64_t piece = lw_group_index(), begin = piece * args.piece;
    if (begin >= args.count) {
        return;
    }
    uint count = uint(min(args.count - begin, uint64_t(args.piece)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    [[unroll]] for (uint j = 0; j < LW_GRAM_SIDE * LW_GRAM_SIDE; j++) {
        sums[j] = vec4(0);
    }
    for (uint at = 0; at < whole; at += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            add(begin + at + i * step, first, count, true);
        }
    }
    for (uint i = whole + first; i < count; i += step) {
        add(begin, i, count, false);
    }
    [[unroll]] for (uint j = 0; j < LW_GRAM_SIDE * LW_GRAM_SIDE; j++) {
        if (j / LW_GRAM_SIDE < A_COUNT && j % LW_GRAM_SIDE < B_COUNT &&
            (SAME == 0 || j % LW_GRAM_SIDE >= j / LW_GRAM_SIDE)) {
            float sum = reduce_add((sums[j].x + sums[j].y) + (sums[j].z + sums[j].w));
            if (gl_LocalInvocationID.x == 0) {
                store_f32(args.products, piece * LW_GRAM_SIDE * LW_GRAM_SIDE + j, sum);
            }
        }
    }
}
