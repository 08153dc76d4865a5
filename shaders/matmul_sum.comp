// SPDX-License-Identifier: Apache-2.0
// Adds up the slices of a matrix product whose inner dimension was cut (matmul_gpu.h), in their
// order, then bias and add. An invocation has four columns of one row. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "matmul_gpu.h"
#include "matmul_sum.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint FLAGS = 0;
LW_PUSH_CONSTANTS(lw_matmul_sum_args)
#include "include/matmul_store.glsl"

void main()
{
    uint quads = (args.n + 3) / 4;
    uint64_t index = lw_group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (index >= uint64_t(args.m) * quads) {
        return;
    }
    uint row = uint(index / quads), column = uint(index % quads) * 4;
    uint64_t at = uint64_t(row) * args.part_stride + column;
    vec4 sum = vec4(0);
    for (uint i = 0; i < args.slices; i++) {
        sum += F32x4(args.parts + (uint64_t(i) * args.m * args.part_stride + at) * 4).at[0];
    }
    store_quad(args.c, row, column, sum);
}
