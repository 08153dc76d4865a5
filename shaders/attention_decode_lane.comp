// SPDX-License-Identifier: Apache-2.0
// Attention of one query token against a cache, lane = head of the group that shares a key head:
// see include/attention_lane.glsl. A workgroup per key head and lane-full of its heads.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/attention_query.glsl"
#include "attention_decode.h"

#define VISIT visit_tile
#define VISIT_KEYS TILE
#include "include/attention_visit.glsl"
#define VISIT visit_key
#define VISIT_KEYS 1
#include "include/attention_visit.glsl"

LW_PUSH_CONSTANTS(lw_attention_decode_args)

void main()
{
    uint parts = (args.group + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x;
    uint kv_head = gl_WorkGroupID.x / parts;
    uint mine = gl_WorkGroupID.x % parts * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint head = kv_head * args.group + min(mine, args.group - 1);
    uint high = U32(args.position).at[0];
    uint low = args.window == 0 || high < args.window ? 0 : high - args.window + 1;
    uint64_t k_row = row_address(args.k, low, K_STRIDE, kv_head);
    uint64_t v_row = row_address(args.v, low, V_STRIDE, kv_head);
    query_begin(0, row_address(args.q, 0, 0, head), low, high);
    uint key = low;
    // Rows past the position hold anything, so no tile may touch them.
    for (; key + TILE <= high + 1; key += TILE) {
        visit_tile(k_row, v_row, key, low, args.scale * LOG2_E);
        k_row += TILE * K_STRIDE * STORAGE_BYTES;
        v_row += TILE * V_STRIDE * STORAGE_BYTES;
    }
    for (; key <= high; key++) {
        visit_key(k_row, v_row, key, low, args.scale * LOG2_E);
        k_row += K_STRIDE * STORAGE_BYTES;
        v_row += V_STRIDE * STORAGE_BYTES;
    }
    if (mine < args.group) {
        query_store(0, row_address(args.result, 0, 0, head));
    }
}
