// SPDX-License-Identifier: Apache-2.0
// Takes over the elements of a second array that are near those of the first.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "include/operands.glsl"
#include "near_swap.h"

layout(constant_id = 2) const uint X_TYPE = 0;
layout(constant_id = 3) const uint BASE_TYPE = 0;
layout(constant_id = 4) const uint Y_TYPE = 0;
LW_PUSH_CONSTANTS(lw_near_swap_args)

void process(uint64_t offset, uint64_t first, bool whole)
{
    uint64_t end = args.count - offset;
    vec4 x = near_part(X_TYPE, args.x + offset * bytes_of(X_TYPE), first, end, whole);
    vec4 base = near_part(BASE_TYPE, args.base + offset * bytes_of(BASE_TYPE), first, end, whole);
    vec4 weight = clamp(args.t / max(abs(base - x), 1e-6), 0, 1);
    store_part(Y_TYPE, args.y + offset * bytes_of(Y_TYPE), first, end, whole,
        weight * x + (1 - weight) * base);
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
