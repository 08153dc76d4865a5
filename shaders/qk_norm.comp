// SPDX-License-Identifier: Apache-2.0
// RMS normalisation of every query and key head and its rotation, in one walk over memory.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/math.glsl"
#include "include/heads.glsl"
#include "include/rotation.glsl"
#include "qk_norm.h"

LW_PUSH_CONSTANTS(lw_qk_norm_args)

void main()
{
    uint64_t team = team_index();
    uint parts = part_count(args.heads, args.heads_each) + part_count(args.kv_heads, args.heads_each);
    bool busy = team < uint64_t(args.tokens) * parts;
    if (ONE_SUBGROUP != 0 && !busy) {
        return;
    }
    uint token = busy ? uint(team / parts) : 0;
    Part part = find_part(uint(team % parts), args.heads, args.kv_heads, args.heads_each);
    uint64_t weight = part.is_key ? args.k_weight : args.q_weight;
    vec4 cosine[EACH], sine[EACH], low_weight[EACH], high_weight[EACH];
    [[unroll]] for (uint e = 0; e < EACH; e++) {
        uint i = four_column(e);
        rotation(args.positions + uint64_t(token) * 4, args.frequency, i, HALF, cosine[e], sine[e]);
        cosine[e] *= args.scale;
        sine[e] *= args.scale;
        low_weight[e] = load_some(weight, i, HALF);
        high_weight[e] = load_some(weight + HALF * STORAGE_BYTES, i, HALF);
    }
    uint64_t x_row = row_address(args.x, token, args.x_stride);
    uint64_t y_row = row_address(args.y, token, args.y_stride);
    uint steps = part_steps(part, args.heads_each);
    for (uint n = 0; n < steps; n++) {
        bool here = ONE_SUBGROUP != 0 || (busy && part.first + n < part.end);
        uint64_t low_at = uint64_t(min(part.first + n, part.end - 1)) * (2 * HALF * STORAGE_BYTES);
        uint64_t high_at = low_at + HALF * STORAGE_BYTES;
        vec4 low[EACH], high[EACH], squares = vec4(0);
        [[unroll]] for (uint e = 0; e < EACH; e++) {
            low[e] = load_some(x_row + low_at, four_column(e), HALF);
            high[e] = load_some(x_row + high_at, four_column(e), HALF);
            vec4 both = fma(low[e], low[e], high[e] * high[e]);
            squares += is_owned(e) ? both : vec4(0);
        }
        float sum = team_add(vec2((squares.x + squares.y) + (squares.z + squares.w), 0)).x;
        float inverse = 1 / sqrt(sum / float(2 * HALF) + args.epsilon);
        [[unroll]] for (uint e = 0; e < EACH; e++) {
            if (here && is_owned(e)) {
                vec4 a = low[e] * inverse * low_weight[e], b = high[e] * inverse * high_weight[e];
                store_some(y_row + low_at, four_column(e), HALF, a * cosine[e] - b * sine[e]);
                store_some(y_row + high_at, four_column(e), HALF, b * cosine[e] + a * sine[e]);
            }
        }
    }
}
