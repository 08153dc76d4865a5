// SPDX-License-Identifier: Apache-2.0
// The gradient of the queries, rows = queries and gradients of the result, columns = keys (whose
// weighted sum it is) and values: see include/attention_engine.glsl, and
// attention_query_gradient_lane.comp for the formula.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SCORE_SETS 2
#define SUM_SETS 1
#define SUM_COLUMNS(set) 0
#include "include/attention_common.glsl"
#include "attention_query_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_query_gradient_args)
#define WEIGHT_GRADIENTS 1
#include "include/attention_engine.glsl"

// delta[i] = out . out_gradient of the thread's row i
void delta_of_rows(uint64_t out_head, uint64_t g_head, uint first, out float delta[THREAD_ROWS])
{
    [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
        uint query = min(first + row_of(i), args.tokens - 1);
        uint64_t out_row = out_head + uint64_t(query) * args.result_stride * STORAGE_BYTES;
        uint64_t g_row = g_head + uint64_t(query) * args.out_gradient_stride * STORAGE_BYTES;
        delta[i] = 0;
        for (uint quad = thread_share; quad < DIM_QUADS; quad += SHARES) {
            vec4 result = load_quad(out_row, 0, 0, quad), g = load_quad(g_row, 0, 0, quad);
            delta[i] = add_dot(result, g, delta[i]);
        }
    }
    sum_of_rows(delta);
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
    uint64_t g_head = row_address(args.out_gradient, 0, 0, head);
    row_operand[0] = Operand(row_address(args.q, 0, 0, head), args.q_stride, 0);
    row_operand[1] = Operand(g_head, args.out_gradient_stride, 3);
    column_operand[0] = Operand(row_address(args.k, 0, 0, head / args.group), args.k_stride, 1);
    column_operand[1] = Operand(row_address(args.v, 0, 0, head / args.group), args.v_stride, 2);
    hold_rows(first, end);
    float delta[THREAD_ROWS], log_sum[THREAD_ROWS], scale[THREAD_ROWS];
    uint low[THREAD_ROWS];
    delta_of_rows(row_address(args.result, 0, 0, head), g_head, first, delta);
    [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
        uint query = min(first + row_of(i), args.tokens - 1);
        uint64_t statistic = uint64_t(head) * args.tokens + query;
        low[i] = lowest_key(args.segment_start, query, args.window);
        log_sum[i] = load_f32(args.log_sum, statistic) * LOG2_E;
        scale[i] = args.scale;
        if (thread_share == 0 && first + row_of(i) < args.tokens) {
            store_f32(args.delta, statistic, delta[i]);
        }
    }
    clear_sums();
    for (uint tile = begin; tile < end; tile += COLUMNS) {
        float p[VALUES]; // scores and their changes, then weights
        stage_columns(tile, end);
        multiply(p, first, tile, end);
        [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
            [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
                uint index = score_index(0, i, j), key = tile + column_of(j);
                bool visible = key >= low[i] && key <= first + row_of(i);
                float weight = exp2(p[index] * (args.scale * LOG2_E) - log_sum[i]);
                float gradient = weight * (p[score_index(1, i, j)] - delta[i]);
                p[index] = visible && key < end ? gradient : 0.0;
            }
        }
        add_weighted(p, tile, end);
    }
    store_sums(0, scale, Operand(row_address(args.q_gradient, 0, 0, head),
        args.q_gradient_stride, 0), first, args.tokens);
}
