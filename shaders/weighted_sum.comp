// SPDX-License-Identifier: Apache-2.0
// A weighted sum of up to LW_SUM_TERMS arrays, read once and written once. How many there are and
// their element types are constants, so that nothing of the choice is left in the compiled kernel.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/elements.glsl"
#include "include/half.glsl"
#include "weighted_sum.h"

layout(constant_id = 2) const uint TERMS = 1;
layout(constant_id = 3) const uint X_TYPES = 0; // two bits a term, the first lowest
layout(constant_id = 4) const uint Y_TYPE = 0;
LW_PUSH_CONSTANTS(lw_weighted_sum_args)

vec4 load4(uint type, uint64_t address, uint64_t index)
{
    if (type == LW_SUM_BF16) {
        return load4_bf16(address, index);
    }
    return type == LW_SUM_F16 ? load4_f16(address, index) : load4_f32(address, index);
}

float load(uint type, uint64_t address, uint64_t index)
{
    if (type == LW_SUM_BF16) {
        return load_bf16(address, index);
    }
    return type == LW_SUM_F16 ? load_f16(address, index) : load_f32(address, index);
}

// Elements offset + index and the next three.
void store4(uint64_t offset, uint64_t index, vec4 value)
{
    if (Y_TYPE == LW_SUM_BF16) {
        store4_bf16(args.y + offset * 2, index, value);
    } else if (Y_TYPE == LW_SUM_F16) {
        store4_f16(args.y + offset * 2, index, value);
    } else {
        store4_f32(args.y + offset * 4, index, value);
    }
}

void store(uint64_t index, float value)
{
    if (Y_TYPE == LW_SUM_BF16) {
        store_bf16(args.y, index, value);
    } else if (Y_TYPE == LW_SUM_F16) {
        store_f16(args.y, index, value);
    } else {
        store_f32(args.y, index, value);
    }
}

vec4 sum_whole(uint64_t offset, uint64_t i)
{
    vec4 sum = vec4(0);
    [[unroll]] for (uint k = 0; k < LW_SUM_TERMS; k++) {
        if (k < TERMS) {
            uint type = (X_TYPES >> (2 * k)) & 3;
            vec4 x = load4(type, args.x[k] + offset * (type == LW_SUM_F32 ? 4 : 2), i);
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
            sum = fma(args.weight[k], load((X_TYPES >> (2 * k)) & 3, args.x[k], i), sum);
        }
    }
    return sum;
}

void main()
{
    if (group_is_whole(args.count)) {
        uint64_t first = first_four();
        [[unroll]] for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
            store4(chunk_offset(chunk), first, sum_whole(chunk_offset(chunk), first));
        }
        return;
    }
    uint64_t i = group_start() + gl_LocalInvocationID.x, end = group_end(args.count);
    for (; i < end; i += gl_WorkGroupSize.x) {
        store(i, sum_single(i));
    }
}
