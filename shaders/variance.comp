// SPDX-License-Identifier: Apache-2.0
// The variance of models' differences from a base, element by element: one turn adds to the mean or,
// with SQUARES, to the mean of the squared distances from it. Up to LW_VARIANCE_TERMS models do both
// in one dispatch (ALONE).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "include/operands.glsl"
#include "variance.h"

layout(constant_id = 2) const uint TERMS = 1;
layout(constant_id = 3) const uint TYPES = 0;
layout(constant_id = 4) const uint BASE_TYPE = 0;
layout(constant_id = 5) const uint SQUARES = 0;
layout(constant_id = 6) const uint ALONE = 0;
LW_PUSH_CONSTANTS(lw_variance_args)

void process(uint64_t offset, uint64_t first, bool whole)
{
    uint64_t end = args.count - offset;
    vec4 base = near_part(BASE_TYPE, args.base + offset * bytes_of(BASE_TYPE), first, end, whole);
    vec4 mean = vec4(0), sum = vec4(0), x[LW_VARIANCE_TERMS];
    [[unroll]] for (uint k = 0; k < LW_VARIANCE_TERMS; k++) {
        if (k < TERMS) {
            uint type = type_of(TYPES, k);
            x[k] = near_part(type, args.x[k] + offset * bytes_of(type), first, end, whole) - base;
            mean += x[k] * args.share;
        }
    }
    if (ALONE == 0) {
        if (SQUARES != 0) {
            mean = near_part(TYPE_F32, args.mean + offset * 4, first, end, whole);
        } else if (args.first_turn == 0) {
            mean += near_part(TYPE_F32, args.mean + offset * 4, first, end, whole);
        }
        if (SQUARES == 0) {
            store_part(TYPE_F32, args.mean + offset * 4, first, end, whole, mean);
            return;
        }
        if (args.first_turn == 0) {
            sum = near_part(TYPE_F32, args.y + offset * 4, first, end, whole);
        }
    }
    [[unroll]] for (uint k = 0; k < LW_VARIANCE_TERMS; k++) {
        if (k < TERMS) {
            vec4 distance = x[k] - mean;
            sum += distance * distance * args.share;
        }
    }
    store_part(TYPE_F32, args.y + offset * 4, first, end, whole, sum);
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
