// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy, one workgroup a row: one walk finds each invocation's maximum and its sum
// of exponentials relative to it (arXiv 1805.02867), a second one writes the gradient. The storage
// type is the gradient's. Both walk in blocks that are whole for the workgroup, then over the tail.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
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

// Logits past the end count as the lowest number.
vec4 load_logits(uint64_t logits, uint c, uint columns)
{
    vec4 value = load_some_f32(logits, c, columns);
    bvec4 outside = greaterThanEqual(c + uvec4(0, 1, 2, 3), uvec4(columns));
    return mix(value, vec4(LOWEST), outside);
}

// The maximum so far, and the sum of exponentials relative to it.
struct Softmax {
    float largest, sum;
};

Softmax add_logits(Softmax state, vec4 values[BLOCK])
{
    vec4 tops = values[0];
    [[unroll]] for (uint i = 1; i < BLOCK; i++) {
        tops = max(tops, values[i]);
    }
    float largest = max(state.largest, largest_of(tops));
    vec4 sums = vec4(0);
    [[unroll]] for (uint i = 0; i < BLOCK; i++) {
        sums += exp(values[i] - largest);
    }
    return Softmax(largest, fma(state.sum, exp(state.largest - largest), sum_of(sums)));
}

Softmax walk_logits(uint64_t logits, uint columns)
{
    Softmax state = Softmax(LOWEST, 0);
    uint step = gl_WorkGroupSize.x * 4, first = gl_LocalInvocationID.x * 4;
    uint whole = block_columns(columns);
    vec4 values[BLOCK];
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            values[i] = pairs_f32(logits + uint64_t(base + i * step) * 4, first);
        }
        state = add_logits(state, values);
    }
    for (uint c = whole + first; c < columns; c += step) {
        [[unroll]] for (uint i = 1; i < BLOCK; i++) {
            values[i] = vec4(LOWEST);
        }
        values[0] = load_logits(logits, c, columns);
        state = add_logits(state, values);
    }
    return state;
}

// softmax * scale with factor = scale / sum.
void store_softmax(
    uint64_t gradient, uint64_t logits, uint columns, float largest, float factor)
{
    uint step = gl_WorkGroupSize.x * 4, first = gl_LocalInvocationID.x * 4;
    uint whole = block_columns(columns);
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            uint64_t c = base + i * step;
            vec4 value = pairs_f32(logits + c * 4, first);
            value = exp(value - largest) * factor;
            store_pairs_storage(gradient + c * STORAGE_BYTES, first, value);
        }
    }
    for (uint c = whole + first; c < columns; c += step) {
        vec4 value = load_some_f32(logits, c, columns);
        store_some(gradient, c, columns, exp(value - largest) * factor);
    }
}

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint row = uint(group), columns = args.columns;
    uint64_t gradient = row_address(args.gradient, row, args.gradient_stride);
    if (args.first_row + row >= U32(args.row_count).at[0]) {
        uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
        for (uint c = first; c < columns && args.gradient != 0; c += step) {
            store_some(gradient, c, columns, vec4(0));
        }
        return;
    }
    uint64_t logits = args.logits + uint64_t(row) * args.logits_stride * 4;
    Softmax state = walk_logits(logits, columns);
    float largest = reduce_max(state.largest);
    float sum = reduce_add(state.sum * exp(state.largest - largest));
    // Bounded because in rows past the count stands anything, and CPU drivers load all the same.
    uint target = min(U32(args.targets + uint64_t(args.first_row + row) * 4).at[0], columns - 1);
    float target_logit = load_f32(logits, target);
    if (gl_LocalInvocationID.x == 0) {
        // A NaN among the logits is in the sum, and so in the loss.
        store_f32(args.losses, args.first_row + row,
            log_accurate(sum) - (target_logit - largest));
    }
    if (args.gradient == 0) {
        return;
    }
    float scale = F32(args.loss_scale).at[0], factor = scale / sum;
    barrier(); // all have read the target's logit: the gradient may have the logits' memory
    store_softmax(gradient, logits, columns, largest, factor);
    memoryBarrierBuffer();
    barrier(); // whoever wrote the target's column is done with it
    if (gl_LocalInvocationID.x == 0) {
        store_storage(
            gradient, target, fma(exp(target_logit - largest), factor, -scale));
    }
}
