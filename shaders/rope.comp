// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding: an invocation owns four frequencies of one token and turns them in
// several heads, so that an angle's sine and cosine are computed once for these.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/math.glsl"
#include "include/rotation.glsl"
#include "rope.h"

LW_PUSH_CONSTANTS(lw_rope_args)

void main()
{
    uint half_columns = args.rotated_columns / 2, fours = (half_columns + 3) / 4;
    uint parts = (args.heads + args.heads_each - 1) / args.heads_each;
    uint64_t index = lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (index >= uint64_t(args.tokens) * parts * fours) {
        return;
    }
    uint four = uint(index % fours), part = uint(index / fours % parts);
    uint token = uint(index / (uint64_t(fours) * parts)), i = four * 4;
    uint table_row = U32(args.frequency_rows + uint64_t(token) * 4).at[0];
    uint64_t frequency = args.frequency + uint64_t(table_row) * half_columns * 4;
    vec4 cosine, sine;
    rotation(args.positions + uint64_t(token) * 4, frequency, i, half_columns, cosine, sine);
    cosine *= args.cosine_scale;
    sine *= args.sine_scale;
    uint end = min((part + 1) * args.heads_each, args.heads);
    uint64_t row = row_address(args.x, token, args.stride);
    for (uint head = part * args.heads_each; head < end; head++) {
        uint64_t low = row + uint64_t(head) * args.head_columns * STORAGE_BYTES;
        uint64_t high = low + half_columns * STORAGE_BYTES;
        vec4 a = load_some(low, i, half_columns), b = load_some(high, i, half_columns);
        store_some(low, i, half_columns, a * cosine - b * sine);
        store_some(high, i, half_columns, b * cosine + a * sine);
    }
}
