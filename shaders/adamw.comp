// SPDX-License-Identifier: Apache-2.0
// AdamW over all weights in one pass: the clip, the moments, the decay, the step, the bf16 copy, and the
// gradient zeroed for the next step.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "adamw.h"

LW_PUSH_CONSTANTS(lw_adamw_args)

lw_adamw_row row; // the workgroup's
uint row_group;   // and its number there
#define ELEMENTS_GROUP uint64_t(row_group)
#define ELEMENTS_FOURS row.fours
#include "include/elements.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Rows { lw_adamw_row at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer State { lw_adamw_state at[]; };

// min(1, max_grad_norm / norm), which a NaN passes through.
float clip_factor(lw_adamw_state state)
{
    if (state.max_grad_norm == 0) {
        return 1;
    }
    float ratio = state.max_grad_norm / (F32(args.grad_norm).at[0] + 1e-6);
    return ratio >= 1 ? 1 : ratio;
}

// The new weights; the gradient and the moments are updated in place.
vec4 step_weights(vec4 weight, vec4 gradient, inout vec4 first, inout vec4 second)
{
    lw_adamw_state state = State(args.state).at[0];
    gradient *= clip_factor(state);
    first = fma(first, vec4(args.beta1), gradient * args.new1);
    second = fma(second, vec4(args.beta2), gradient * gradient * args.new2);
    weight -= state.learning_rate * row.weight_decay * weight;
    vec4 denominator = sqrt(second) / state.beta2_correction + args.epsilon;
    return weight - state.learning_rate / state.beta1_correction * (first / denominator);
}

void update_whole(uint64_t offset, uint64_t i)
{
    uint64_t bytes = offset * 4;
    vec4 first = pairs_f32(row.first_moment + bytes, i);
    vec4 second = pairs_f32(row.second_moment + bytes, i);
    vec4 gradient = pairs_f32(row.gradient + bytes, i);
    vec4 weight = step_weights(pairs_f32(row.master + bytes, i), gradient, first, second);
    store_pairs_f32(row.first_moment + bytes, i, first);
    store_pairs_f32(row.second_moment + bytes, i, second);
    store_pairs_f32(row.master + bytes, i, weight);
    store_pairs_f32(row.gradient + bytes, i, vec4(0));
    if (row.weights != 0) {
        store_pairs_bf16(row.weights + offset * 2, i, weight);
    }
}

void update_single(uint64_t i)
{
    vec4 first = vec4(load_f32(row.first_moment, i));
    vec4 second = vec4(load_f32(row.second_moment, i));
    vec4 gradient = vec4(load_f32(row.gradient, i));
    float weight = step_weights(vec4(load_f32(row.master, i)), gradient, first, second).x;
    store_f32(row.first_moment, i, first.x);
    store_f32(row.second_moment, i, second.x);
    store_f32(row.master, i, weight);
    store_f32(row.gradient, i, 0);
    if (row.weights != 0) {
        store_bf16(row.weights, i, weight);
    }
}

// The last row that begins at the group or before it.
uint find_row(uint group)
{
    uint found = 0;
    for (uint step = args.half_count; step > 0; step /= 2) {
        uint next = min(found + step, args.row_count - 1);
        found = Rows(args.rows).at[next].first_group <= group ? next : found;
    }
    return found;
}

void main()
{
    uint group = uint(lw_group_index());
    row = Rows(args.rows).at[find_row(group)];
    row_group = group - row.first_group;
    if (group_is_whole(row.count)) {
        uint64_t first = first_four();
        [[unroll]] for (uint chunk = 0; chunk < LW_CHUNKS; chunk++) {
            update_whole(chunk_offset(chunk), first);
        }
        return;
    }
    uint64_t i = group_start() + gl_LocalInvocationID.x, end = group_end(row.count);
    for (; i < end; i += gl_WorkGroupSize.x) {
        update_single(i);
    }
}
