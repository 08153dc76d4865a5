// SPDX-License-Identifier: Apache-2.0
// A weighted sum of up to LW_SUM_TERMS arrays, read once and written once. How many there are and
// their element types are constants, so that nothing of the choice is left in the compiled kernel.
// Four elements an invocation, as in convert.comp.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/half.glsl"
#include "weighted_sum.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint VECTORS = 1; // the arrays' addresses are multiples of 8
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

void store4(uint64_t index, vec4 value)
{
    if (Y_TYPE == LW_SUM_BF16) {
        store4_bf16(args.y, index, value);
    } else if (Y_TYPE == LW_SUM_F16) {
        store4_f16(args.y, index, value);
    } else {
        store4_f32(args.y, index, value);
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

void main()
{
    uint64_t first = (lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x) * 4;
    if (VECTORS != 0 && first + 4 <= args.count) {
        vec4 sum = vec4(0);
        [[unroll]] for (uint k = 0; k < LW_SUM_TERMS; k++) {
            if (k < TERMS) {
                vec4 x = load4((X_TYPES >> (2 * k)) & 3, args.x[k], first);
                sum = fma(vec4(args.weight[k]), x, sum);
            }
        }
        store4(first, sum);
        return;
    }
    for (uint64_t i = first; i < min(first + 4, args.count); i++) {
        float sum = 0;
        [[unroll]] for (uint k = 0; k < LW_SUM_TERMS; k++) {
            if (k < TERMS) {
                sum = fma(args.weight[k], load((X_TYPES >> (2 * k)) & 3, args.x[k], i), sum);
            }
        }
        store(i, sum);
    }
}
