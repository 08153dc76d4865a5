// SPDX-License-Identifier: Apache-2.0
// The gradient of the queries, lane = query: see include/attention_lane.glsl. With p the weight of
// a key and g the gradient of the output (arXiv 2205.14135, appendix B):
// q_gradient = scale * sum over keys of p * (g . v - delta) * k.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/attention_lane.glsl"
#include "attention_query_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_query_gradient_args)
layout(constant_id = 4) const uint K_STRIDE = 64;
layout(constant_id = 5) const uint V_STRIDE = 64;

void main()
{
    uint head, first;
    locate(args.tokens, gl_WorkGroupSize.x, head, first);
    if (head >= args.heads) {
        return;
    }
    uint mine = first + gl_LocalInvocationID.x;
    uint query = min(mine, args.tokens - 1);
    uint low = lowest_key(args.segment_start, query, args.window);
    uint begin = lowest_key(args.segment_start, first, args.window);
    uint end = min(first + gl_WorkGroupSize.x, args.tokens);
    uint64_t k_head = row_address(args.k, 0, K_STRIDE, head / args.group);
    uint64_t v_head = row_address(args.v, 0, V_STRIDE, head / args.group);

    vec4 q[DIM_QUADS], g[DIM_QUADS], sum_k[DIM_QUADS];
    uint64_t q_row = row_address(args.q, query, args.q_stride, head);
    uint64_t g_row = row_address(args.out_gradient, query, args.out_gradient_stride, head);
    uint64_t out_row = row_address(args.result, query, args.result_stride, head);
    float delta = 0;
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        q[d] = load_quad(q_row, 0, 0, d);
        g[d] = load_quad(g_row, 0, 0, d);
        sum_k[d] = vec4(0);
        vec4 product = load_quad(out_row, 0, 0, d) * g[d];
        delta += product.x + product.y + product.z + product.w;
    }
    uint64_t statistic = uint64_t(head) * args.tokens + query;
    float log_sum = load_f32(args.log_sum, statistic) * LOG2_E;
    for (uint tile = begin; tile < end; tile += TILE) {
        uint key = min(tile, args.tokens - TILE);
        uint64_t k_tile = k_head + uint64_t(key) * (K_STRIDE * STORAGE_BYTES);
        uint64_t v_tile = v_head + uint64_t(key) * (V_STRIDE * STORAGE_BYTES);
        float score[TILE], change[TILE];
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            score[j] = change[j] = 0;
        }
        [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
            [[unroll]] for (uint j = 0; j < TILE; j++) {
                vec4 k = load_quad(k_tile, j, K_STRIDE, d), v = load_quad(v_tile, j, V_STRIDE, d);
                score[j] = add_dot(q[d], k, score[j]);
                change[j] = add_dot(g[d], v, change[j]);
            }
        }
        uint lowest = max(low, tile);
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            bool visible = key + j >= lowest && key + j <= query;
            float p = exp2(score[j] * (args.scale * LOG2_E) - log_sum);
            change[j] = visible ? p * (change[j] - delta) : 0.0;
        }
        [[unroll]] for (uint d = 0; d < DIM_QUADS; d += 2) {
            [[unroll]] for (uint j = 0; j < TILE; j++) {
                [[unroll]] for (uint e = d; e < min(d + 2, DIM_QUADS); e++) {
                    sum_k[e] = fma(vec4(change[j]), load_quad(k_tile, j, K_STRIDE, e), sum_k[e]);
                }
            }
        }
    }
    if (mine < args.tokens) {
        uint64_t row = row_address(args.q_gradient, query, args.q_gradient_stride, head);
        [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
            store_quad(row, d, sum_k[d] * args.scale);
        }
        store_f32(args.delta, statistic, delta);
    }
}
