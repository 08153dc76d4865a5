// SPDX-License-Identifier: Apache-2.0
// The gradients of keys and values, rows = keys, columns = queries, for each query head of the
// group: see include/attention_tile.glsl, and attention_key_gradient_lane.comp for the formulas.
#version 460
#extension GL_GOOGLE_include_directive : require
#define SUM_SETS 2
#include "include/attention_tile.glsl"
#include "attention_key_gradient.h"

LW_PUSH_CONSTANTS(lw_attention_key_gradient_args)

void main()
{
    uint kv_head, first;
    locate(args.tokens, ROWS, kv_head, first);
    if (kv_head >= args.kv_heads) {
        return;
    }
    uint last = min(first + ROWS, args.tokens) - 1;
    uint end = highest_query(args.segment_end, last, args.window);
    uint64_t k_head = row_address(args.k, 0, 0, kv_head);
    uint64_t v_head = row_address(args.v, 0, 0, kv_head);
    uvec4 high;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint key = min(first + thread_row + 8 * i, args.tokens - 1);
        high[i] = highest_query(args.segment_end, key, args.window);
    }
    clear_sums();
    for (uint head = kv_head * args.group; head < (kv_head + 1) * args.group; head++) {
        uint64_t q_head = row_address(args.q, 0, 0, head);
        uint64_t g_head = row_address(args.out_gradient, 0, 0, head);
        for (uint tile = first; tile < end; tile += COLUMNS) {
            float p[16], change[16];
            multiply(p, k_head, args.k_stride, first, q_head, args.q_stride, tile, end);
            multiply(change, v_head, args.v_stride, first, g_head, args.out_gradient_stride, tile,
                end);
            [[unroll]] for (uint i = 0; i < 16; i++) {
                uint query = tile + thread_column + 16 * (i % 4);
                uint64_t statistic = uint64_t(head) * args.tokens + min(query, end - 1);
                bool visible = query >= first + thread_row + 8 * (i / 4) && query < high[i / 4];
                float weight = exp2(p[i] * (args.scale * LOG2_E) -
                                    load_f32(args.log_sum, statistic) * LOG2_E);
                p[i] = visible ? weight : 0.0;
                change[i] =
                    visible ? weight * (change[i] - load_f32(args.delta, statistic)) : 0.0;
            }
            share_weights(p);
            add_weighted(1, g_head, args.out_gradient_stride, tile, end);
            barrier(); // the weights of p are read
            share_weights(change);
            add_weighted(0, q_head, args.q_stride, tile, end);
        }
    }
    store_sums(0, vec4(args.scale), row_address(args.k_gradient, 0, 0, kv_head),
        args.k_gradient_stride, first, args.tokens);
    store_sums(1, vec4(1), row_address(args.v_gradient, 0, 0, kv_head), args.v_gradient_stride,
        first, args.tokens);
}
