// SPDX-License-Identifier: Apache-2.0
// The gradient of RMS normalisation, one workgroup a slice of rows: first each row's mean of
// dy * weight * x, then dx and the slice's share of the weight's gradient in one walk, which finds
// the rows in the cache.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/pairs.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "rms_norm_backward.h"

LW_PUSH_CONSTANTS(lw_rms_norm_backward_args)

// The row's mean of dy * weight * x, times the columns: this invocation's share.
float correlate(uint row)
{
    uint columns = args.columns, whole = block_columns(columns);
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint64_t x = row_address(args.x, row, args.x_stride);
    uint64_t dy = row_address(args.y_gradient, row, args.y_gradient_stride);
    vec4 sum = vec4(0);
    for (uint base = 0; base < whole; base += step * BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            uint64_t at = (base + i * step) * STORAGE_BYTES;
            vec4 weighted = pairs_storage(dy + at, first) * pairs_storage(args.weight + at, first);
            sum = fma(weighted, pairs_storage(x + at, first), sum);
        }
    }
    for (uint c = whole + first; c < columns; c += step) {
        vec4 weighted = load_some(dy, c, columns) * load_some(args.weight, c, columns);
        sum = fma(weighted, load_some(x, c, columns), sum);
    }
    return (sum.x + sum.y) + (sum.z + sum.w);
}

// The four of this invocation from column `base` of a row on; `whole`: so are all of the workgroup.
vec4 fetch(uint64_t line, uint base, bool whole)
{
    uint first = gl_LocalInvocationID.x * 4;
    return whole ? pairs_storage(line + uint64_t(base) * STORAGE_BYTES, first)
                 : load_some(line, base + first, args.columns);
}

// dx of four columns of one row, kept inside because of kernel.glsl's trap; adds their share of the
// weight's gradient to `sum`.
void step_row(uint row, uint base, bool whole, vec4 weight, inout vec4 sum)
{
    row = min(row, args.rows - 1);
    float inverse = load_f32(args.inverse, row);
    vec4 x = fetch(row_address(args.x, row, args.x_stride), base, whole);
    vec4 dy = fetch(row_address(args.y_gradient, row, args.y_gradient_stride), base, whole);
    vec4 dx = inverse * (dy * weight - x * load_f32(args.correction, row));
    if (args.add != 0) {
        dx += fetch(row_address(args.add, row, args.add_stride), base, whole);
    }
    uint64_t line = row_address(args.x_gradient, row, args.x_gradient_stride);
    if (whole) {
        store_pairs_storage(line + uint64_t(base) * STORAGE_BYTES, gl_LocalInvocationID.x * 4, dx);
    } else {
        store_some(line, base + gl_LocalInvocationID.x * 4, args.columns, dx);
    }
    sum = fma(dy, x * inverse, sum);
}

// The workgroup's columns from `base` on, of rows `begin` to `end`.
void step_columns(uint begin, uint end, uint base, bool whole, uint64_t partial)
{
    uint row = begin;
    vec4 weight = fetch(args.weight, base, whole), sum = vec4(0);
    for (; row + BLOCK <= end; row += BLOCK) {
        [[unroll]] for (uint i = 0; i < BLOCK; i++) {
            step_row(row + i, base, whole, weight, sum);
        }
    }
    for (; row < end; row++) {
        step_row(row, base, whole, weight, sum);
    }
    if (whole) {
        store_pairs_f32(partial + uint64_t(base) * 4, gl_LocalInvocationID.x * 4, sum);
    } else {
        store_some_f32(partial, base + gl_LocalInvocationID.x * 4, args.columns, sum);
    }
}

void main()
{
    uint64_t group = lw_group_index();
    uint64_t first_row = group * LW_SLICE_ROWS;
    if (first_row >= args.rows) {
        return;
    }
    uint begin = uint(first_row), end = min(begin + LW_SLICE_ROWS, args.rows);
    for (uint row = begin; row < end; row++) {
        float sum = reduce_add(correlate(row)), inverse = load_f32(args.inverse, row);
        // All invocations store the same; each reads back what it stored itself.
        store_f32(args.correction, row, inverse * inverse * (sum / float(args.columns)));
    }
    uint columns = args.columns, step = gl_WorkGroupSize.x * 4;
    uint whole = FOURS != 0 ? columns / step * step : 0;
    uint64_t partial = args.partial + group * columns * 4;
    for (uint base = 0; base < whole; base += step) {
        step_columns(begin, end, base, true, partial);
    }
    for (uint base = whole; base < columns; base += step) {
        if (base + gl_LocalInvocationID.x * 4 < columns) {
            step_columns(begin, end, base, false, partial);
        }
    }
}
