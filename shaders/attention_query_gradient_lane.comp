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

vec4 q[LANE_ROWS][DIM_QUADS], g[LANE_ROWS][DIM_QUADS], sum_k[LANE_ROWS][DIM_QUADS];
float delta[LANE_ROWS], log_sum[LANE_ROWS];
uint lowest[LANE_ROWS], highest[LANE_ROWS]; // the keys that the query sees

void begin_row(uint r, uint query, uint head)
{
    uint64_t q_row = row_address(args.q, query, args.q_stride, head);
    uint64_t g_row = row_address(args.out_gradient, query, args.out_gradient_stride, head);
    uint64_t out_row = row_address(args.result, query, args.result_stride, head);
    delta[r] = 0;
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        q[r][d] = load_own_quad(q_row, d);
        g[r][d] = load_own_quad(g_row, d);
        sum_k[r][d] = vec4(0);
        delta[r] = add_dot(load_own_quad(out_row, d), g[r][d], delta[r]);
    }
    log_sum[r] = load_f32(args.log_sum, uint64_t(head) * args.tokens + query) * LOG2_E;
    lowest[r] = lowest_key(args.segment_start, query, args.window);
    highest[r] = query;
}

// Adds the TILE keys from number `key` on, those before `from` left out.
void visit_tile(uint64_t k_tile, uint64_t v_tile, uint key, uint from)
{
    float score[LANE_ROWS][TILE], change[LANE_ROWS][TILE];
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            score[r][j] = change[r][j] = 0;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            vec4 k = load_quad(k_tile, j, K_STRIDE, d), v = load_quad(v_tile, j, V_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                score[r][j] = add_dot(q[r][d], k, score[r][j]);
                change[r][j] = add_dot(g[r][d], v, change[r][j]);
            }
        }
    }
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint low = max(lowest[r], from);
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            bool visible = key + j >= low && key + j <= highest[r];
            float p = exp2(score[r][j] * (args.scale * LOG2_E) - log_sum[r]);
            change[r][j] = visible ? p * (change[r][j] - delta[r]) : 0.0;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            vec4 k = load_quad(k_tile, j, K_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                sum_k[r][d] = fma(vec4(change[r][j]), k, sum_k[r][d]);
            }
        }
    }
}

void main()
{
    uint head, first, rows = LANE_ROWS * gl_WorkGroupSize.x;
    locate(args.tokens, rows, head, first);
    if (head >= args.heads) {
        return;
    }
    uint begin = lowest_key(args.segment_start, first, args.window);
    uint end = min(first + rows, args.tokens);
    uint64_t k_head = row_address(args.k, 0, K_STRIDE, head / args.group);
    uint64_t v_head = row_address(args.v, 0, V_STRIDE, head / args.group);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint mine = first + r * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        begin_row(r, min(mine, args.tokens - 1), head);
    }
    uint tile = begin;
    do {
        // The last tile of all moves back to stay inside; `tile` keeps keys from counting twice.
        uint key = min(tile, args.tokens - TILE);
        visit_tile(k_head + uint64_t(key) * (K_STRIDE * STORAGE_BYTES),
            v_head + uint64_t(key) * (V_STRIDE * STORAGE_BYTES), key, tile);
        tile += TILE;
    } while (tile < end);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint query = first + r * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        if (query < args.tokens) {
            uint64_t row = row_address(args.q_gradient, query, args.q_gradient_stride, head);
            [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
                store_quad(row, d, sum_k[r][d] * args.scale);
            }
            store_f32(args.delta, uint64_t(head) * args.tokens + query, delta[r]);
        }
    }
}
