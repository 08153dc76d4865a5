// SPDX-License-Identifier: Apache-2.0
// The gradients of keys and values, lane = key: see include/attention_lane.glsl. With p the weight
// of the key for a query and g the gradient of its output (arXiv 2205.14135, appendix B), summed
// over the queries that see the key and over the group's heads, in this order:
// v_gradient = sum of p * g; k_gradient = scale * sum of p * (g . v - delta) * q.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/attention_lane.glsl"
#include "attention_key_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_key_gradient_args)
layout(constant_id = 4) const uint Q_STRIDE = 64;
layout(constant_id = 5) const uint G_STRIDE = 64;

void main()
{
    uint kv_head, first;
    locate(args.tokens, gl_WorkGroupSize.x, kv_head, first);
    if (kv_head >= args.kv_heads) {
        return;
    }
    uint mine = first + gl_LocalInvocationID.x;
    uint key = min(mine, args.tokens - 1);
    uint high = highest_query(args.segment_end, key, args.window);
    uint last = min(first + gl_WorkGroupSize.x, args.tokens) - 1;
    uint end = highest_query(args.segment_end, last, args.window);

    vec4 k[DIM_QUADS], v[DIM_QUADS], sum_q[DIM_QUADS], sum_g[DIM_QUADS];
    uint64_t k_row = row_address(args.k, key, args.k_stride, kv_head);
    uint64_t v_row = row_address(args.v, key, args.v_stride, kv_head);
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        k[d] = load_quad(k_row, 0, 0, d);
        v[d] = load_quad(v_row, 0, 0, d);
        sum_q[d] = sum_g[d] = vec4(0);
    }
    for (uint head = kv_head * args.group; head < (kv_head + 1) * args.group; head++) {
        uint64_t q_head = row_address(args.q, 0, Q_STRIDE, head);
        uint64_t g_head = row_address(args.out_gradient, 0, G_STRIDE, head);
        for (uint tile = first; tile < end; tile += TILE) {
            // The last tile of all moves back to stay inside; `tile` keeps queries from counting
            // twice.
            uint query = min(tile, args.tokens - TILE);
            uint64_t q_tile = q_head + uint64_t(query) * (Q_STRIDE * STORAGE_BYTES);
            uint64_t g_tile = g_head + uint64_t(query) * (G_STRIDE * STORAGE_BYTES);
            uint64_t statistic = (uint64_t(head) * args.tokens + query) * 4;
            F32 log_sum = F32(args.log_sum + statistic), delta = F32(args.delta + statistic);
            float p[TILE], change[TILE];
            [[unroll]] for (uint j = 0; j < TILE; j++) {
                p[j] = change[j] = 0;
            }
            [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
                [[unroll]] for (uint j = 0; j < TILE; j++) {
                    vec4 q = load_quad(q_tile, j, Q_STRIDE, d);
                    vec4 g = load_quad(g_tile, j, G_STRIDE, d);
                    p[j] = add_dot(k[d], q, p[j]);
                    change[j] = add_dot(v[d], g, change[j]);
                }
            }
            uint lowest = max(key, tile);
            [[unroll]] for (uint j = 0; j < TILE; j++) {
                bool visible = query + j >= lowest && query + j < high;
                float weight =
                    exp2(p[j] * (args.scale * LOG2_E) - log_sum.at[j] * LOG2_E);
                p[j] = visible ? weight : 0.0;
                change[j] = visible ? weight * (change[j] - delta.at[j]) : 0.0;
            }
            [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
                [[unroll]] for (uint j = 0; j < TILE; j++) {
                    sum_g[d] = fma(vec4(p[j]), load_quad(g_tile, j, G_STRIDE, d), sum_g[d]);
                    sum_q[d] = fma(vec4(change[j]), load_quad(q_tile, j, Q_STRIDE, d), sum_q[d]);
                }
            }
        }
    }
    if (mine < args.tokens) {
        uint64_t k_out = row_address(args.k_gradient, key, args.k_gradient_stride, kv_head);
        uint64_t v_out = row_address(args.v_gradient, key, args.v_gradient_stride, kv_head);
        [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
            store_quad(k_out, d, sum_q[d] * args.scale);
            store_quad(v_out, d, sum_g[d]);
        }
    }
}
