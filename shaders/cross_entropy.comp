// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy, one workgroup a row: one walk finds each invocation's maximum and its sum
// of exponentials relative to it (arXiv 1805.02867), a second one writes the gradient. STORAGE is
// the gradient's type.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/math.glsl"
#include "cross_entropy.h"

LW_PUSH_CONSTANTS(lw_cross_entropy_args)

const float LOWEST = -3.4e38; // finite, so that a difference of two of it is no NaN

float largest_of(vec4 value)
{
    return max(max(value.x, value.y), max(value.z, value.w));
}

float sum_of(vec4 value)
{
    return (value.x + value.y) + (value.z + value.w);
}

// Element-wise loads of logits past the end count as -infinity.
vec4 load_logits(uint64_t logits, uint c, uint columns)
{
    vec4 value = load_some_f32(logits, c, columns);
    bvec4 outside = greaterThanEqual(c + uvec4(0, 1, 2, 3), uvec4(columns));
    return mix(value, vec4(LOWEST), outside);
}

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint row = uint(group), columns = args.columns;
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint64_t gradient = row_address(args.gradient, row, args.gradient_stride);
    if (args.first_row + row >= U32(args.row_count).at[0]) {
        for (uint c = first; c < columns && args.gradient != 0; c += step) {
            store_some(gradient, c, columns, vec4(0));
        }
        return;
    }
    uint64_t logits = args.logits + uint64_t(row) * args.logits_stride * 4;
    float largest = LOWEST, sum = 0;
    for (uint c = first; c < columns; c += step) {
        vec4 value = load_logits(logits, c, columns);
        float now = max(largest, largest_of(value));
        if (now > largest) {
            sum *= exp_accurate(largest - now);
            largest = now;
        }
        sum += sum_of(exp_accurate(value - largest));
    }
    float row_largest = reduce_max(largest);
    sum = reduce_add(sum * exp_accurate(largest - row_largest));
    // Bounded because in rows past the count stands anything, and CPU drivers load all the same.
    uint target = min(U32(args.targets + uint64_t(args.first_row + row) * 4).at[0], columns - 1);
    if (first == 0) {
        // A NaN among the logits is in the sum, and so in the loss.
        store_f32(args.losses, args.first_row + row,
            log_accurate(sum) - (load_f32(logits, target) - row_largest));
    }
    if (args.gradient == 0) {
        return;
    }
    float scale = F32(args.loss_scale).at[0], factor = scale / sum;
    barrier(); // the target's logit has been read: the gradient may have the logits' memory
    for (uint c = first; c < columns; c += step) {
        vec4 value = load_some_f32(logits, c, columns);
        vec4 result = exp_accurate(value - row_largest) * factor;
        bvec4 is_target = equal(c + uvec4(0, 1, 2, 3), uvec4(target));
        store_some(gradient, c, columns, result - mix(vec4(0), vec4(scale), is_target));
    }
}
