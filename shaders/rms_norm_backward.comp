// SPDX-License-Identifier: Apache-2.0
// The gradient of RMS normalisation, one workgroup a slice of rows: first each row's mean of
// dy * weight * x, then dx and the slice's share of the weight's gradient in one walk, which finds
// the rows in the cache.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "rms_norm_backward.h"

LW_PUSH_CONSTANTS(lw_rms_norm_backward_args)

void main()
{
    uint64_t group = lw_group_index();
    uint64_t first_row = group * LW_SLICE_ROWS;
    if (first_row >= args.rows) {
        return;
    }
    uint row = uint(first_row), columns = args.columns;
    uint end = min(row + LW_SLICE_ROWS, args.rows);
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;

    for (uint r = row; r < end; r++) {
        uint64_t x = row_address(args.x, r, args.x_stride);
        uint64_t dy = row_address(args.y_gradient, r, args.y_gradient_stride);
        vec4 products = vec4(0);
        for (uint c = first; c < columns; c += step) {
            vec4 weighted = load_some(dy, c, columns) * load_some(args.weight, c, columns);
            products = fma(weighted, load_some(x, c, columns), products);
        }
        float sum = reduce_add((products.x + products.y) + (products.z + products.w));
        float inverse = load_f32(args.inverse, r);
        // All invocations store the same; each reads back what it stored itself.
        store_f32(args.correction, r, inverse * inverse * (sum / float(columns)));
    }
    uint64_t partial = args.partial + group * columns * 4;
    for (uint c = first; c < columns; c += step) {
        vec4 weight = load_some(args.weight, c, columns), weight_gradient = vec4(0);
        for (uint r = row; r < end; r++) {
            float inverse = load_f32(args.inverse, r);
            vec4 x = load_some(row_address(args.x, r, args.x_stride), c, columns);
            vec4 dy =
                load_some(row_address(args.y_gradient, r, args.y_gradient_stride), c, columns);
            vec4 dx = inverse * (dy * weight - x * load_f32(args.correction, r));
            if (args.add != 0) {
                dx += load_some(row_address(args.add, r, args.add_stride), c, columns);
            }
            store_some(row_address(args.x_gradient, r, args.x_gradient_stride), c, columns, dx);
            weight_gradient = fma(dy, x * inverse, weight_gradient);
        }
        store_some_f32(partial, c, columns, weight_gradient);
    }
}
