// SPDX-License-Identifier: Apache-2.0
// Arcee fusion's measure of importance, one workgroup a row; its later walks over the row find it in
// the cache. With q / p = 1 + u the divergence sum p log(p / q) is the sum of p (u - log(1 + u)),
// because both p and q have the same sum: no term is negative, so nothing cancels, and weights that
// differ little do not drown in rounding.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/math.glsl"
#include "include/operands.glsl"
#include "divergence.h"

layout(constant_id = 3) const uint X_TYPE = 0;
layout(constant_id = 4) const uint BASE_TYPE = 0;
LW_PUSH_CONSTANTS(lw_divergence_args)

const float LOWEST = -3.4e38;
const float EPS = 1e-8;

vec4 fetch(uint type, uint64_t line, uint column)
{
    if (FOURS == 2) {
        return load_part(type, line, column, args.columns, true);
    }
    return load_part(type, line, column, args.columns, false);
}

// `value` with the columns past the end as `outside`.
vec4 inside(vec4 value, uint column, float outside)
{
    bvec4 beyond = greaterThanEqual(column + uvec4(0, 1, 2, 3), uvec4(args.columns));
    return mix(value, vec4(outside), beyond);
}

float sum_of(vec4 value)
{
    return (value.x + value.y) + (value.z + value.w);
}

// q - p for q = p exp(t), without cancellation where they are near.
float difference(float p, float q, float t)
{
    float series = t * fma(t, fma(t, fma(t, fma(t, 1.0 / 120, 1.0 / 24), 1.0 / 6), 0.5), 1.0);
    return abs(t) < 0.25 ? p * series : q - p;
}

// u - log(1 + u), right for small u.
float excess(float u)
{
    float series = fma(u, fma(u, fma(u, fma(u, 1.0 / 6, -0.2), 0.25), -1.0 / 3), 0.5) * u * u;
    return abs(u) < 0.03 ? series : u - log_accurate(max(1 + u, 1.2e-38));
}

void main()
{
    uint64_t group = lw_group_index();
    if (group >= args.rows) {
        return;
    }
    uint columns = args.columns;
    uint first = gl_LocalInvocationID.x * 4, step = gl_WorkGroupSize.x * 4;
    uint64_t x_line = args.x + group * columns * bytes_of(X_TYPE);
    uint64_t base_line = args.base + group * columns * bytes_of(BASE_TYPE);
    vec4 x_top = vec4(LOWEST), base_top = vec4(LOWEST);
    for (uint c = first; c < columns; c += step) {
        x_top = max(x_top, inside(fetch(X_TYPE, x_line, c), c, LOWEST));
        base_top = max(base_top, inside(fetch(BASE_TYPE, base_line, c), c, LOWEST));
    }
    float x_largest = reduce_max(max(max(x_top.x, x_top.y), max(x_top.z, x_top.w)));
    float base_largest = reduce_max(max(max(base_top.x, base_top.y), max(base_top.z, base_top.w)));
    vec4 x_sums = vec4(0), base_sums = vec4(0);
    for (uint c = first; c < columns; c += step) {
        vec4 x = exp(fetch(X_TYPE, x_line, c) - x_largest);
        vec4 base = exp(fetch(BASE_TYPE, base_line, c) - base_largest);
        x_sums += inside(x, c, 0);
        base_sums += inside(base, c, 0);
    }
    float x_sum = reduce_add(sum_of(x_sums)), base_sum = reduce_add(sum_of(base_sums));
    // log(q / p) = (base - x) + shift
    float shift = (x_largest - base_largest) + (log_accurate(x_sum) - log_accurate(base_sum));
    vec4 terms = vec4(0);
    for (uint c = first; c < columns; c += step) {
        vec4 x = fetch(X_TYPE, x_line, c), base = fetch(BASE_TYPE, base_line, c);
        vec4 p = exp(x - x_largest) / x_sum, q = exp(base - base_largest) / base_sum;
        vec4 t = (base - x) + shift, term;
        [[unroll]] for (uint i = 0; i < 4; i++) {
            float raised = p[i] + EPS;
            term[i] = raised * excess(difference(p[i], q[i], t[i]) / raised);
        }
        terms += inside(term, c, 0);
    }
    float divergence = reduce_add(sum_of(terms));
    uint64_t importance = args.importance + group * columns * 4;
    for (uint c = first; c < columns; c += step) {
        vec4 x = fetch(X_TYPE, x_line, c), base = fetch(BASE_TYPE, base_line, c);
        store_some_f32(importance, c, columns, abs(x - base) * divergence);
    }
}
