// SPDX-License-Identifier: Apache-2.0
// Attention of one query token against a cache, for GPUs: a workgroup per query head walks the
// cache a key a thread, then sums the values with a quad and a share of the keys a thread.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/attention_common.glsl"
#include "attention_decode.h"

LW_PUSH_CONSTANTS(lw_attention_decode_args)

const uint THREADS = 128;
const uint SHARES = THREADS / DIM_QUADS; // of the keys, when summing values

shared vec4 query_row[DIM_QUADS];
shared float weights[THREADS];
shared vec4 share_sums[THREADS];

float max_of_threads(float value)
{
    uint thread = gl_LocalInvocationID.x;
    weights[thread] = value;
    for (uint half_size = THREADS / 2; half_size > 0; half_size /= 2) {
        barrier();
        if (thread < half_size) {
            weights[thread] = max(weights[thread], weights[thread + half_size]);
        }
    }
    barrier();
    float highest = weights[0];
    barrier();
    return highest;
}

float score_of(uint key, uint kv_head)
{
    uint64_t k_row = row_address(args.k, key, args.k_stride, kv_head);
    float score = 0;
    for (uint quad = 0; quad < DIM_QUADS; quad++) {
        score = add_dot(query_row[quad], load_quad(k_row, 0, 0, quad), score);
    }
    return score * (args.scale * LOG2_E);
}

void main()
{
    uint head = gl_WorkGroupID.x, kv_head = head / args.group, thread = gl_LocalInvocationID.x;
    uint high = U32(args.position).at[0];
    uint low = args.window == 0 || high < args.window ? 0 : high - args.window + 1;
    for (uint quad = thread; quad < DIM_QUADS; quad += THREADS) {
        query_row[quad] = load_quad(row_address(args.q, 0, 0, head), 0, 0, quad);
    }
    barrier();
    uint share = thread / DIM_QUADS, quad = thread % DIM_QUADS;
    vec4 sum = vec4(0);
    float top = LOWEST, weight_sum = 0;
    for (uint tile = low; tile <= high; tile += THREADS) {
        bool inside = tile + thread <= high;
        float score = LOWEST;
        if (inside) {
            score = score_of(tile + thread, kv_head);
        }
        float new_top = max(top, max_of_threads(score));
        float shrink = exp2(top - new_top);
        top = new_top;
        sum *= shrink;
        weight_sum *= shrink;
        weights[thread] = inside ? exp2(score - top) : 0.0;
        barrier();
        uint count = min(THREADS, high - tile + 1);
        for (uint key = share; key < count && share < SHARES; key += SHARES) {
            uint64_t v_row = row_address(args.v, tile + key, args.v_stride, kv_head);
            sum = fma(vec4(weights[key]), load_quad(v_row, 0, 0, quad), sum);
            weight_sum += weights[key];
        }
        barrier();
    }
    share_sums[thread] = sum;
    weights[thread] = weight_sum;
    barrier();
    if (share == 0) {
        for (uint other = 1; other < SHARES; other++) {
            sum += share_sums[other * DIM_QUADS + quad];
            weight_sum += weights[other * DIM_QUADS + quad];
        }
        store_quad(row_address(args.result, 0, 0, head), quad, sum / weight_sum);
    }
}
