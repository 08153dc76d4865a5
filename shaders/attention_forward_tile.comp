// SPDX-License-Identifier: Apache-2.0
// Attention forward, rows = queries, columns = keys: see include/attention_tile.glsl. Online
// softmax (arXiv 1805.02867) in base 2; a thread sums the weights of its own columns.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SUM_SETS 1
#include "include/attention_tile.glsl"
#include "attention_forward.h"

LW_PUSH_CONSTANTS(lw_attention_forward_args)

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
    uvec4 low;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint query = min(first + thread_row + 8 * i, args.tokens - 1);
        low[i] = lowest_key(args.segment_start, query, args.window);
    }
    vec4 top = vec4(LOWEST), weight_sum = vec4(0);
    clear_sums();
    for (uint tile = begin; tile < end; tile += COLUMNS) {
        float p[16];
        multiply(p, q_head, args.q_stride, first, k_head, args.k_stride, tile, end);
        vec4 new_top = top;
        [[unroll]] for (uint i = 0; i < 16; i++) {
            uint key = tile + thread_column + 16 * (i % 4);
            bool visible = key >= low[i / 4] && key <= first + thread_row + 8 * (i / 4);
            p[i] = visible && key < end ? p[i] * (args.scale * LOG2_E) : LOWEST;
            new_top[i / 4] = max(new_top[i / 4], p[i]);
        }
        new_top = max_of_rows(new_top);
        vec4 shrink = exp2(top - new_top);
        top = new_top;
        weight_sum *= shrink;
        [[unroll]] for (uint i = 0; i < 16; i++) {
            p[i] = p[i] == LOWEST ? 0.0 : exp2(p[i] - top[i / 4]);
            weight_sum[i / 4] += p[i];
        }
        [[unroll]] for (uint i = 0; i < 4 * SUMS; i++) {
            sums[i] *= shrink[i / SUMS];
        }
        share_weights(p);
        add_weighted(0, v_head, args.v_stride, tile, end);
    }
    weight_sum = sum_of_rows(weight_sum);
    store_sums(0, 1 / weight_sum, row_address(args.result, 0, 0, head), args.result_stride,
        first, args.tokens);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint query = first + thread_row + 8 * i;
        if (thread_column == 0 && query < args.tokens) {
            store_f32(args.log_sum, uint64_t(head) * args.tokens + query,
                (top[i] + log2(weight_sum[i])) * LN_2);
        }
    }
}
