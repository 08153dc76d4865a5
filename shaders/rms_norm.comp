// SPDX-License-Identifier: Apache-2.0
// RMS normalisation, one workgroup a row: the second walk over the row finds it in the cache.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "rms_norm.h"

LW_PUSH_CONSTANTS(lw_rms_norm_args)

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint row = uint(group), columns = args.columns, whole = block_columns(columns);
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint64_t x = row_address(args.x, row, args.x_stride);
    uint64_t y = row_address(args.y, row, args.y_stride);

    vec4 squares = vec4(0);
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            vec4 value = pairs_storage(x + (base + i * step) * STORAGE_BYTES, first);
            squares = fma(value, value, squares);
        }
    }
    for (uint c = whole + first; c < columns; c += step) {
        vec4 value = load_some(x, c, columns);
        squares = fma(value, value, squares);
    }
    float sum = reduce_add((squares.x + squares.y) + (squares.z + squares.w));
    float inverse = 1 / sqrt(sum / float(columns) + args.epsilon);
    if (first == 0) {
        store_f32(args.inverse, row, inverse);
    }
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            uint64_t at = (base + i * step) * STORAGE_BYTES;
            vec4 weight = pairs_storage(args.weight + at, first);
            store_pairs_storage(y + at, first, pairs_storage(x + at, first) * inverse * weight);
        }
    }
    for (uint c = whole + first; c < columns; c += step) {
        vec4 weight = load_some(args.weight, c, columns);
        store_some(y, c, columns, load_some(x, c, columns) * inverse * weight);
    }
}
