// SPDX-License-Identifier: Apache-2.0
// The gradient of qk_norm in one walk over memory: rotate back, normalise back, and sum the weights'
// gradients of a team's tokens and heads in registers.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/math.glsl"
#include "include/heads.glsl"
#include "include/rotation.glsl"
#include "qk_norm_backward.h"

LW_PUSH_CONSTANTS(lw_qk_norm_backward_args)

float sum4(vec4 value)
{
    return (value.x + value.y) + (value.z + value.w);
}

void main()
{
    uint query_parts = part_count(args.heads, args.heads_each);
    uint key_parts = part_count(args.kv_heads, args.heads_each);
    uint parts = query_parts + key_parts;
    uint slices = (args.tokens + args.tokens_each - 1) / args.tokens_each;
    uint64_t team = team_index();
    bool busy = team < uint64_t(slices) * parts;
    if (ONE_SUBGROUP != 0 && !busy) {
        return;
    }
    uint slice = busy ? uint(team / parts) : 0;
    Part part = find_part(uint(team % parts), args.heads, args.kv_heads, args.heads_each);
    uint64_t weight = part.is_key ? args.k_weight : args.q_weight;
    vec4 low_weight[EACH], high_weight[EACH], low_sum[EACH], high_sum[EACH];
    [[unroll]] for (uint e = 0; e < EACH; e++) {
        low_weight[e] = load_some(weight, four_column(e), HALF);
        high_weight[e] = load_some(weight + HALF * STORAGE_BYTES, four_column(e), HALF);
        low_sum[e] = high_sum[e] = vec4(0);
    }
    uint steps = part_steps(part, args.heads_each);
    uint first_token = slice * args.tokens_each, left = args.tokens - first_token;
    uint tokens = ONE_SUBGROUP != 0 ? min(args.tokens_each, left) : args.tokens_each;
    for (uint t = 0; t < tokens; t++) {
        uint token = first_token + min(t, left - 1);
        bool token_here = ONE_SUBGROUP != 0 || (busy && t < left);
        uint64_t x_row = row_address(args.x, token, args.x_stride);
        uint64_t dy_row = row_address(args.y_gradient, token, args.y_gradient_stride);
        uint64_t dx_row = row_address(args.x_gradient, token, args.x_gradient_stride);
        vec4 cosine[EACH], sine[EACH];
        [[unroll]] for (uint e = 0; e < EACH; e++) {
            rotation(args.positions + uint64_t(token) * 4, args.frequency, four_column(e), HALF,
                cosine[e], sine[e]);
            cosine[e] *= args.scale;
            sine[e] *= args.scale;
        }
        for (uint n = 0; n < steps; n++) {
            bool here = ONE_SUBGROUP != 0 || (token_here && part.first + n < part.end);
            uint64_t low_at =
                uint64_t(min(part.first + n, part.end - 1)) * (2 * HALF * STORAGE_BYTES);
            uint64_t high_at = low_at + HALF * STORAGE_BYTES;
            vec4 low[EACH], high[EACH], low_dy[EACH], high_dy[EACH];
            vec4 squares = vec4(0), products = vec4(0);
            [[unroll]] for (uint e = 0; e < EACH; e++) {
                uint i = four_column(e);
                low[e] = load_some(x_row + low_at, i, HALF);
                high[e] = load_some(x_row + high_at, i, HALF);
                vec4 a = load_some(dy_row + low_at, i, HALF);
                vec4 b = load_some(dy_row + high_at, i, HALF);
                low_dy[e] = a * cosine[e] + b * sine[e];
                high_dy[e] = b * cosine[e] - a * sine[e];
                vec4 square = fma(low[e], low[e], high[e] * high[e]);
                vec4 product = fma(low_dy[e] * low_weight[e], low[e],
                    high_dy[e] * high_weight[e] * high[e]);
                squares += is_owned(e) ? square : vec4(0);
                products += is_owned(e) ? product : vec4(0);
            }
            vec2 sums = team_add(vec2(sum4(squares), sum4(products))) / float(2 * HALF);
            float inverse = 1 / sqrt(sums.x + args.epsilon);
            float correction = inverse * inverse * sums.y;
            [[unroll]] for (uint e = 0; e < EACH; e++) {
                if (here && is_owned(e)) {
                    low_sum[e] = fma(low_dy[e], low[e] * inverse, low_sum[e]);
                    high_sum[e] = fma(high_dy[e], high[e] * inverse, high_sum[e]);
                    store_some(dx_row + low_at, four_column(e), HALF,
                        inverse * (low_dy[e] * low_weight[e] - low[e] * correction));
                    store_some(dx_row + high_at, four_column(e), HALF,
                        inverse * (high_dy[e] * high_weight[e] - high[e] * correction));
                }
            }
        }
    }
    uint64_t row = part.is_key ? uint64_t(slices) * query_parts + uint64_t(slice) * key_parts
                               : uint64_t(slice) * query_parts;
    uint64_t partial = args.partial + (row + part.number) * (2 * HALF * 4);
    [[unroll]] for (uint e = 0; e < EACH; e++) {
        if (busy && is_owned(e)) {
            store_some_f32(partial, four_column(e), HALF, low_sum[e]);
            store_some_f32(partial + HALF * 4, four_column(e), HALF, high_sum[e]);
        }
    }
}
