// SPDX-License-Identifier: Apache-2.0
// The gradient of the queries, rows = queries, columns = keys: see include/attention_tile.glsl, and
// attention_query_gradient_lane.comp for the formula.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SUM_SETS 1
#include "include/attention_tile.glsl"
#include "attention_query_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_query_gradient_args)

// out . out_gradient of the thread's rows
vec4 delta_of_rows(uint64_t out_head, uint64_t g_head, uint first)
{
    vec4 delta = vec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint query = min(first + thread_row + 8 * i, args.tokens - 1);
        uint64_t out_row = out_head + uint64_t(query) * args.result_stride * STORAGE_BYTES;
        uint64_t g_row = g_head + uint64_t(query) * args.out_gradient_stride * STORAGE_BYTES;
        for (uint quad = thread_column; quad < DIM_QUADS; quad += 16) {
            vec4 result = load_quad(out_row, 0, 0, quad), g = load_quad(g_row, 0, 0, quad);
            delta[i] = add_dot(result, g, delta[i]);
        }
    }
    return sum_of_rows(delta);
}

void main()
{
    uint head, first;
    locate(args.tokens, ROWS, head, first);
    if (head >= args.heads) {
        return;
    }
    uint begin = lowest_key(args.segment_start, first, args.window);
    uint end = min(first + ROWS, args.tokens);
    uint64_t q_head = row_address(args.q, 0, 0, head);
    uint64_t k_head = row_address(args.k, 0, 0, head / args.group);
    uint64_t v_head = row_address(args.v, 0, 0, head / args.group);
    uint64_t g_head = row_address(args.out_gradient, 0, 0, head);
    vec4 delta = delta_of_rows(row_address(args.result, 0, 0, head), g_head, first);
    vec4 log_sum;
    uvec4 low;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint query = min(first + thread_row + 8 * i, args.tokens - 1);
        uint64_t statistic = uint64_t(head) * args.tokens + query;
        low[i] = lowest_key(args.segment_start, query, args.window);
        log_sum[i] = load_f32(args.log_sum, statistic) * LOG2_E;
        if (thread_column == 0 && first + thread_row + 8 * i < args.tokens) {
            store_f32(args.delta, statistic, delta[i]);
        }
    }
    clear_sums();
    for (uint tile = begin; tile < end; tile += COLUMNS) {
        float score[16], change[16];
        multiply(score, q_head, args.q_stride, first, k_head, args.k_stride, tile, end);
        multiply(change, g_head, args.out_gradient_stride, first, v_head, args.v_stride, tile, end);
        [[unroll]] for (uint i = 0; i < 16; i++) {
            uint key = tile + thread_column + 16 * (i % 4);
            bool visible = key >= low[i / 4] && key <= first + thread_row + 8 * (i / 4);
            float p = exp2(score[i] * (args.scale * LOG2_E) - log_sum[i / 4]);
            change[i] = visible && key < end ? p * (change[i] - delta[i / 4]) : 0.0;
        }
        share_weights(change);
        add_weighted(0, k_head, args.k_stride, tile, end);
    }
    store_sums(0, vec4(args.scale), row_address(args.q_gradient, 0, 0, head),
        args.q_gradient_stride, first, args.tokens);
}
