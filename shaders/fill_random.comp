// SPDX-License-Identifier: Apache-2.0
// Random numbers for measuring: each a hash of the seed and the element's index. The hash is
// lowbias32 of Chris Wellons' hash-prospector.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "fill_random.h"

LW_PUSH_CONSTANTS(lw_fill_random_args)

uint hash(uint x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// Odd multiples of 2^-23 in (-1, 1), times the scale.
float value(uint64_t i)
{
    uint bits = hash(uint(i) ^ hash(uint(i >> 32) ^ hash(args.seed)));
    return float(int(bits >> 9) * 2 - 0x7fffff) * (1.0 / 0x800000) * args.scale;
}

void main()
{
    if (group_is_whole(args.count)) {
        uint64_t first = first_four();
        [[unroll]] for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
            uint64_t offset = chunk_offset(chunk), i = first + offset;
            store4_storage(args.y + offset * STORAGE_BYTES, first,
                vec4(value(i), value(i + 1), value(i + 2), value(i + 3)));
        }
        return;
    }
    uint64_t i = group_start() + gl_LocalInvocationID.x, end = group_end(args.count);
    for (; i < end; i += gl_WorkGroupSize.x) {
        store_storage(args.y, i, value(i));
    }
}
