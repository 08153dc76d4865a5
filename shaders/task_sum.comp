// SPDX-License-Identifier: Apache-2.0
// Task arithmetic: the weighted sum of the differences of models from a base, of which elements may
// be dropped and of which only those may count whose sign is the majority's.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/operands.glsl"
#include "task_sum.h"
#include "include/task.glsl"

layout(constant_id = 3) const uint TERMS = 1;
layout(constant_id = 4) const uint TYPES = 0; // of the terms
layout(constant_id = 5) const uint BASE_TYPE = 0;
layout(constant_id = 6) const uint Y_TYPE = 0;
layout(constant_id = 7) const uint KEPT = 0;
layout(constant_id = 8) const uint CONSENSUS = 0;
layout(constant_id = 9) const uint TURN = 0;
layout(constant_id = 10) const uint NORMALIZE = 0; // divide by the agreeing weights
LW_PUSH_CONSTANTS(lw_task_sum_args)

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Table { lw_task_table at[]; };

// The three planes of sums.
uint64_t plane_of(uint number)
{
    return args.sums + uint64_t(number) * args.plane * 4;
}

vec4 load_sum(uint number, uint64_t i, bool whole)
{
    return args.first_turn != 0 ? vec4(0)
                                : near_part(TYPE_F32, plane_of(number), i, args.count, whole);
}

void store_sum(uint number, uint64_t i, bool whole, vec4 value)
{
    store_part(TYPE_F32, plane_of(number), i, args.count, whole, value);
}

// Whether each difference has the sign of the deciding sum; a sum of 0 counts as positive.
bvec4 agrees(vec4 difference, vec4 decider)
{
    bvec4 positive = greaterThanEqual(decider, vec4(0));
    bvec4 up = greaterThan(difference, vec4(0)), down = lessThan(difference, vec4(0));
    return bvec4(positive.x ? up.x : down.x, positive.y ? up.y : down.y,
        positive.z ? up.z : down.z, positive.w ? up.w : down.w);
}

vec4 divided(vec4 sum, vec4 divisor, float least)
{
    divisor = least > 0 ? max(divisor, least) : mix(divisor, vec4(1), equal(divisor, vec4(0)));
    return sum / divisor;
}

void process(uint64_t offset, uint64_t first, bool whole)
{
    Table table = Table(args.table);
    uint64_t i = offset + first;
    vec4 base = near_part(BASE_TYPE, args.base + offset * bytes_of(BASE_TYPE), first,
        args.count - offset, whole);
    vec4 plane = vec4(0);
    if (KEPT == LW_TASK_PLANE) {
        plane = near_part(TYPE_F32, args.mask + offset * 4, first, args.count - offset, whole);
    }
    vec4 kept_terms[LW_TASK_TERMS], decider = vec4(0), sum = vec4(0), divisor = vec4(0);
    [[unroll]] for (uint k = 0; k < LW_TASK_TERMS; k++) {
        if (k < TERMS) {
            uint type = type_of(TYPES, k);
            vec4 x = near_part(type, args.x[k] + offset * bytes_of(type), first,
                args.count - offset, whole);
            lw_task_term term = table.at[0].terms[k];
            uint64_t bits = args.mask + uint64_t(k) * args.words * 4;
            vec4 value = kept(KEPT, term, x - base, uint(i), bits, plane) * term.scale;
            kept_terms[k] = value;
            decider += CONSENSUS == LW_TASK_UNWEIGHTED ? value : value * term.weight;
        }
    }
    if (TURN == LW_TASK_ELECT) {
        store_sum(0, i, whole, decider + load_sum(0, i, whole));
        return;
    }
    if (TURN != LW_TASK_WHOLE) {
        sum = load_sum(1, i, whole);
        divisor = load_sum(2, i, whole);
        if (CONSENSUS != LW_TASK_NO_CONSENSUS && TURN == LW_TASK_GATHER) {
            decider = near_part(TYPE_F32, plane_of(0), i, args.count, whole);
        }
    }
    [[unroll]] for (uint k = 0; k < LW_TASK_TERMS; k++) {
        if (k < TERMS && TURN != LW_TASK_FINISH) {
            float weight = table.at[0].terms[k].weight;
            vec4 value = kept_terms[k] * weight;
            if (CONSENSUS == LW_TASK_NO_CONSENSUS) {
                sum += value;
            } else {
                vec4 sided = CONSENSUS == LW_TASK_UNWEIGHTED ? kept_terms[k] : value;
                bvec4 taken = agrees(sided, decider);
                sum += mix(vec4(0), value, taken);
                divisor += mix(vec4(0), vec4(weight), taken);
            }
        }
    }
    if (TURN == LW_TASK_GATHER) {
        store_sum(1, i, whole, sum);
        store_sum(2, i, whole, divisor);
        return;
    }
    vec4 mean = sum / table.at[0].divisor;
    if (NORMALIZE != 0) {
        mean = divided(sum, divisor, table.at[0].floor);
    }
    store_part(Y_TYPE, args.y + offset * bytes_of(Y_TYPE), first, args.count - offset, whole,
        base + mean * table.at[0].lambda);
}

// A workgroup walks a piece: on CPU drivers that is several times as fast as one large group for it.
void main()
{
    uint64_t begin = lw_group_index() * LW_TASK_SUM_PIECE;
    if (begin >= args.count) {
        return;
    }
    uint count = uint(min(args.count - begin, uint64_t(LW_TASK_SUM_PIECE)));
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint whole = block_columns(count);
    for (uint at = 0; at < whole; at += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            process(begin + at + i * step, first, true);
        }
    }
    for (uint i = whole + first; i < count; i += step) {
        process(begin, i, false);
    }
}
