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

vec4 k[LANE_ROWS][DIM_QUADS], v[LANE_ROWS][DIM_QUADS];
vec4 sum_q[LANE_ROWS][DIM_QUADS], sum_g[LANE_ROWS][DIM_QUADS];
uint lowest[LANE_ROWS], end_query[LANE_ROWS]; // the queries that see the key

void begin_row(uint r, uint key, uint kv_head)
{
    uint64_t k_row = row_address(args.k, key, args.k_stride, kv_head);
    uint64_t v_row = row_address(args.v, key, args.v_stride, kv_head);
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        k[r][d] = load_own_quad(k_row, d);
        v[r][d] = load_own_quad(v_row, d);
        sum_q[r][d] = sum_g[r][d] = vec4(0);
    }
    lowest[r] = key;
    end_query[r] = highest_query(args.segment_end, key, args.window);
}

// Adds the TILE queries from number `query` on, those before `from` left out; `statistic` is the
// first one's place in log_sum and delta, in bytes.
void visit_tile(uint64_t q_tile, uint64_t g_tile, uint query, uint from, uint64_t statistic)
{
    F32 log_sum = F32(args.log_sum + statistic), delta = F32(args.delta + statistic);
    float p[LANE_ROWS][TILE], change[LANE_ROWS][TILE];
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            p[r][j] = change[r][j] = 0;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            vec4 q = load_quad(q_tile, j, Q_STRIDE, d), g = load_quad(g_tile, j, G_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                p[r][j] = add_dot(k[r][d], q, p[r][j]);
                change[r][j] = add_dot(v[r][d], g, change[r][j]);
            }
        }
    }
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint low = max(lowest[r], from);
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            bool visible = query + j >= low && query + j < end_query[r];
            float weight = exp2(p[r][j] * (args.scale * LOG2_E) - log_sum.at[j] * LOG2_E);
            p[r][j] = visible ? weight : 0.0;
            change[r][j] = visible ? weight * (change[r][j] - delta.at[j]) : 0.0;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < TILE; j++) {
            vec4 q = load_quad(q_tile, j, Q_STRIDE, d), g = load_quad(g_tile, j, G_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                sum_g[r][d] = fma(vec4(p[r][j]), g, sum_g[r][d]);
                sum_q[r][d] = fma(vec4(change[r][j]), q, sum_q[r][d]);
            }
        }
    }
}

void main()
{
    uint kv_head, first, rows = LANE_ROWS * gl_WorkGroupSize.x;
    locate(args.tokens, rows, kv_head, first);
    if (kv_head >= args.kv_heads) {
        return;
    }
    uint last = min(first + rows, args.tokens) - 1;
    uint end = highest_query(args.segment_end, last, args.window);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint mine = first + r * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        begin_row(r, min(mine, args.tokens - 1), kv_head);
    }
    uint head = kv_head * args.group;
    do {
        uint64_t q_head = row_address(args.q, 0, Q_STRIDE, head);
        uint64_t g_head = row_address(args.out_gradient, 0, G_STRIDE, head);
        uint tile = first;
        do {
            // The last tile of all moves back to stay inside; `tile` keeps queries from counting
            // twice.
            uint query = min(tile, args.tokens - TILE);
            visit_tile(q_head + uint64_t(query) * (Q_STRIDE * STORAGE_BYTES),
                g_head + uint64_t(query) * (G_STRIDE * STORAGE_BYTES), query, tile,
                (uint64_t(head) * args.tokens + query) * 4);
            tile += TILE;
        } while (tile < end);
        head++;
    } while (head < (kv_head + 1) * args.group);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint key = first + r * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        if (key < args.tokens) {
            uint64_t k_out = row_address(args.k_gradient, key, args.k_gradient_stride, kv_head);
            uint64_t v_out = row_address(args.v_gradient, key, args.v_gradient_stride, kv_head);
            [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
                store_quad(k_out, d, sum_q[r][d] * args.scale);
                store_quad(v_out, d, sum_g[r][d]);
            }
        }
    }
}
