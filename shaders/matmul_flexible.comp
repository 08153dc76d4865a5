// SPDX-License-Identifier: Apache-2.0
// The matrix product on matrices of VK_NV_cooperative_matrix2: TILE_M x TILE_N of c is one matrix, shared
// by a workgroup (WORKGROUP defined) or by a subgroup that is a workgroup; the driver cuts it up, stages
// operands through shared memory and overlaps loads with arithmetic as suits the device. What the
// matrices hold: include/scale.glsl. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#include "include/kernel.glsl"
#include "matmul_gpu.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint TILE_M = 128;
layout(constant_id = 2) const uint TILE_N = 128;
layout(constant_id = 3) const uint TILE_K = 64;
layout(constant_id = 6) const uint FLAGS = 0;
LW_PUSH_CONSTANTS(lw_matmul_gpu_args)
#include "include/scale.glsl"
#include "include/matmul_store.glsl"
#include "include/matmul_grid.glsl"
#include "include/flexible_matrix.glsl"

// c's element from the sum at [row, column] of the tile whose corner is [m, n]. Rounded, so that the
// conversion of the whole matrix is exact.
float finish(const in uint row, const in uint column, const in float sum, const in uint m,
    const in uint n, const in vec2 back)
{
    float value = sum * back.x * back.y;
    if (m + row < args.m && n + column < args.n) {
        value += BIAS ? load_storage(args.bias, n + column) : 0;
        value += ADD ? load_out(args.add, uint64_t(m + row) * args.add_stride + n + column) : 0;
    }
#ifdef OUT_BF16
    value = bf16_decode(bf16_encode(value));
#endif
    return value;
}

void main()
{
    Tile tile;
    if (!find_tile(tile)) {
        return;
    }
    MATRIX_OUT(float) sum = MATRIX_OUT(float)(0);
    [[dont_unroll]] for (uint k = tile.begin; k < tile.end; k += TILE_K) {
        MATRIX_A a;
        MATRIX_B b;
        load_a(a, tile, k);
        load_b(b, tile, k);
        sum = coopMatMulAdd(a, b, sum);
    }
    if (BIAS || ADD || SCALED || OUT_BYTES == 2) {
        // A power of two each, and not their product, which could leave the range of fp32.
        vec2 back = 1 / vec2(operand_scale(0), operand_scale(1));
        coopMatPerElementNV(sum, sum, finish, tile.m, tile.n, back);
    }
    store_c(sum, tile);
}
