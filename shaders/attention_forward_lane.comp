// SPDX-License-Identifier: Apache-2.0
// Attention forward, lane = query: see include/attention_lane.glsl.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/attention_query.glsl"
#include "attention_forward.h"

#define VISIT visit_tile
#define VISIT_KEYS TILE
#include "include/attention_visit.glsl"

LW_PUSH_CONSTANTS(lw_attention_forward_args)

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
        uint query = min(mine, args.tokens - 1);
        query_begin(r, row_address(args.q, query, args.q_stride, head),
            lowest_key(args.segment_start, query, args.window), query);
    }
    uint tile = begin;
    do {
        // The last tile of all moves back to stay inside; `tile` keeps keys from counting twice.
        uint key = min(tile, args.tokens - TILE);
        visit_tile(k_head + uint64_t(key) * (K_STRIDE * STORAGE_BYTES),
            v_head + uint64_t(key) * (V_STRIDE * STORAGE_BYTES), key, tile, args.scale * LOG2_E);
        tile += TILE;
    } while (tile < end);
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        uint query = first + r * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        if (query < args.tokens) {
            query_store(r, row_address(args.result, query, args.result_stride, head));
            store_f32(args.log_sum, uint64_t(head) * args.tokens + query,
                (top[r] + log2(weight_sum[r])) * LN_2);
        }
    }
}
