// SPDX-License-Identifier: Apache-2.0
// Attention forward, rows = queries, columns = keys (operand 0) and values (operand 1): see
// include/attention_engine.glsl. Online softmax (arXiv 1805.02867) in base 2; a thread sums the
// weights of its own columns.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SCORE_SETS 1
#define SUM_SETS 1
#define SUM_COLUMNS(set) 1
#include "include/attention_common.glsl"
#include "attention_forward.h"

LW_PUSH_CONSTANTS(lw_attention_forward_args)
#define WEIGHT_GRADIENTS 0
#include "include/attention_engine.glsl"

void main()
{
    uint head, first;
    locate(args.tokens, ROWS, head, first);
    if (head >= args.heads) {
        return;
    }
    uint begin = lowest_key(args.segment_start, first, args.window);
    uint end = min(first + ROWS, args.tokens);
    row_operand[0] = Operand(row_address(args.q, 0, 0, head), args.q_stride, 0);
    column_operand[0] = Operand(row_address(args.k, 0, 0, head / args.group), args.k_stride, 1);
    column_operand[1] = Operand(row_address(args.v, 0, 0, head / args.group), args.v_stride, 2);
    hold_rows(first, end);
    uint low[THREAD_ROWS];
    float top[THREAD_ROWS], weight_sum[THREAD_ROWS], factor[THREAD_ROWS];
    [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
        uint query = min(first + row_of(i), args.tokens - 1);
        low[i] = lowest_key(args.segment_start, query, args.window);
        top[i] = LOWEST;
        weight_sum[i] = 0;
    }
    clear_sums();
    for (uint tile = begin; tile < end; tile += COLUMNS) {
        float p[VALUES], new_top[THREAD_ROWS];
        stage_columns(tile, end);
        multiply(p, first, tile, end);
        [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
            new_top[i] = top[i];
            [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
                uint index = score_index(0, i, j), key = tile + column_of(j);
                bool visible = key >= low[i] && key <= first + row_of(i);
                p[index] = visible && key < end ? p[index] * (args.scale * LOG2_E) : LOWEST;
                new_top[i] = max(new_top[i], p[index]);
            }
        }
        max_of_rows(new_top);
        [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
            factor[i] = exp2(top[i] - new_top[i]);
            top[i] = new_top[i];
            weight_sum[i] *= factor[i];
            [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
                uint index = score_index(0, i, j);
                p[index] = p[index] == LOWEST ? 0.0 : exp2(p[index] - top[i]);
                weight_sum[i] += p[index];
            }
        }
        scale_sums(factor);
        add_weighted(p, tile, end);
    }
    sum_of_rows(weight_sum);
    [[unroll]] for (uint i = 0; i < THREAD_ROWS; i++) {
        uint query = first + row_of(i);
        factor[i] = 1 / weight_sum[i];
        if (thread_share == 0 && query < args.tokens) {
            store_f32(args.log_sum, uint64_t(head) * args.tokens + query,
                (top[i] + log2(weight_sum[i])) * LN_2);
        }
    }
    store_sums(0, factor, Operand(row_address(args.result, 0, 0, head), args.result_stride, 0),
        first, args.tokens);
}
