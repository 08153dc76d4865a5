// SPDX-License-Identifier: Apache-2.0
// The gradients of keys (sum 0) and values (sum 1), rows = keys and values, columns = queries and
// gradients of the result, for each query head of the group: see include/attention_engine.glsl, and
// attention_key_gradient_lane.comp for the formulas.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SCORE_SETS 2
#define SUM_SETS 2
#define SUM_COLUMNS(set) (set)
#include "include/attention_common.glsl"
#include "attention_key_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_key_gradient_args)
#define WEIGHT_GRADIENTS 1
#include "include/attention_engine.glsl"

void main()
{
    uint kv_head, first;
    locate(args.tokens, ROWS, kv_head, first);
    if (kv_head >= args.kv_heads) {
        return;
    }
    uint last = min(first + ROWS, args.tokens) - 1;
    uint end = highest_query(args.segment_end, last, args.window);
    row_operand[0] = Operand(row_address(args.k, 0, 0, kv_head), args.k_stride, 1);
    row_operand[1] = Operand(row_address(args.v, 0, 0, kv_head), args.v_stride, 2);
    hold_rows(first, end);
    uint high[THREAD_ROWS];
    float scale[THREAD_ROWS], one[THREAD_ROWS];
    [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
        uint key = min(first + row_of(i), args.tokens - 1);
        high[i] = highest_query(args.segment_end, key, args.window);
        scale[i] = args.scale;
        one[i] = 1;
    }
    clear_sums();
    for (uint head = kv_head * args.group; head < (kv_head + 1) * args.group; head++) {
        column_operand[0] = Operand(row_address(args.q, 0, 0, head), args.q_stride, 0);
        column_operand[1] =
            Operand(row_address(args.out_gradient, 0, 0, head), args.out_gradient_stride, 3);
        for (uint tile = first; tile < end; tile += COLUMNS) {
            float p[VALUES]; // scores and their changes, then weights of both sums
            stage_columns(tile, end);
            multiply(p, first, tile, end);
            [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
                uint query = tile + column_of(j);
                uint64_t statistic = uint64_t(head) * args.tokens + min(query, end - 1);
                float log_sum = load_f32(args.log_sum, statistic) * LOG2_E;
                float delta = load_f32(args.delta, statistic);
                [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
                    uint score = score_index(0, i, j), change = score_index(1, i, j);
                    bool visible = query >= first + row_of(i) && query < high[i];
                    float weight = exp2(p[score] * (args.scale * LOG2_E) - log_sum);
                    p[score] = visible ? weight * (p[change] - delta) : 0.0;
                    p[change] = visible ? weight : 0.0;
                }
            }
            add_weighted(p, tile, end);
        }
    }
    store_sums(0, scale, Operand(row_address(args.k_gradient, 0, 0, kv_head),
        args.k_gradient_stride, 0), first, args.tokens);
    store_sums(1, one, Operand(row_address(args.v_gradient, 0, 0, kv_head),
        args.v_gradient_stride, 0), first, args.tokens);
}
