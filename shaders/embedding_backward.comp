// SPDX-License-Identifier: Apache-2.0
// The gradient of the token embedding: one invocation owns four columns of one id's row, so that no
// two write the same element.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/tiles.glsl"
#include "embedding_backward.h"

LW_PUSH_CONSTANTS(lw_embedding_backward_args)

void main()
{
    uint group, start, columns = args.columns;
    find_tile(columns, group, start);
    bool given = group < args.rows && group < U32(args.group_count).at[0];
    // Past the last group stands anything: the bounds keep the addresses of loads, which CPU drivers
    // make all the same, inside the arrays.
    U32 starts = U32(args.group_start + uint64_t(min(group, args.rows - 1)) * 4);
    uint begin = min(starts.at[0], args.rows - 1), end = min(starts.at[1], args.rows);
    uint first = min(U32(args.order + uint64_t(begin) * 4).at[0], args.rows - 1);
    uint id = U32(args.ids + uint64_t(first) * 4).at[0];
    uint64_t target = args.table_gradient + uint64_t(id) * args.table_stride * 4;
    [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
        uint column = start + chunk * chunk_width() + four();
        if (given && column < columns) {
            vec4 sum = load_some_f32(target, column, columns);
            for (uint i = begin; i < end; i++) {
                uint token = U32(args.order + uint64_t(i) * 4).at[0];
                uint64_t row = row_address(args.y_gradient, token, args.y_stride);
                sum += load_some(row, column, columns);
            }
            store_some_f32(target, column, columns, sum);
        }
    }
}
