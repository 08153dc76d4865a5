// SPDX-License-Identifier: Apache-2.0
// The matrix product on matrix cores (VK_KHR_cooperative_matrix): a workgroup computes
// TILE_M x TILE_N of c, each subgroup PART_M x PART_N of it in matrices of MATRIX_M x MATRIX_N with
// fp32 sums. Tiles of TILE_K depths lie in shared memory as they lie in the operands (a transposed
// one is read by columns), twice: the next is loaded into registers while this one is used and then
// stored beside it, so that a step has one barrier. Lines are padded by 16 bytes against bank
// conflicts. What the matrices hold: include/scale.glsl. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#include "include/kernel.glsl"
#include "matmul_gpu.h"

layout(local_size_x_id = 0) in; // TILE_M / PART_M * TILE_N / PART_N subgroups
layout(constant_id = 1) const uint TILE_M = 128;
layout(constant_id = 2) const uint TILE_N = 128;
layout(constant_id = 3) const uint TILE_K = 32;
layout(constant_id = 4) const uint PART_M = 64;
layout(constant_id = 5) const uint PART_N = 64;
layout(constant_id = 6) const uint FLAGS = 0;
layout(constant_id = 7) const uint MATRIX_M = 16;
layout(constant_id = 8) const uint MATRIX_N = 16;
layout(constant_id = 9) const uint MATRIX_K = 16;
layout(constant_id = 10) const uint SUBGROUP = 32; // invocations
LW_PUSH_CONSTANTS(lw_matmul_gpu_args)
#include "include/scale.glsl"
#include "include/matmul_store.glsl"
#include "include/matmul_grid.glsl"

const bool A_TRANSPOSED = (FLAGS & LW_MATMUL_A_TRANSPOSED) != 0;
const bool B_TRANSPOSED = (FLAGS & LW_MATMUL_B_TRANSPOSED) != 0;
const bool A_VECTOR = (FLAGS & LW_MATMUL_A_VECTOR) != 0;
const bool B_VECTOR = (FLAGS & LW_MATMUL_B_VECTOR) != 0;

// A piece is 8 elements, 16 bytes.
const uint THREADS = gl_WorkGroupSize.x;
const uint PIECES_A = (A_TRANSPOSED ? TILE_M : TILE_K) / 8; // of a line
const uint PIECES_B = (B_TRANSPOSED ? TILE_N : TILE_K) / 8;
const uint LINES_A = A_TRANSPOSED ? TILE_K : TILE_M, LINES_B = B_TRANSPOSED ? TILE_K : TILE_N;
const uint STRIDE_A = PIECES_A + 1, STRIDE_B = PIECES_B + 1;
const uint LOADS_A = (PIECES_A * LINES_A + THREADS - 1) / THREADS;
const uint LOADS_B = (PIECES_B * LINES_B + THREADS - 1) / THREADS;
const uint ROWS = PART_M / MATRIX_M, COLUMNS = PART_N / MATRIX_N; // matrices of a subgroup
const uint SUBGROUPS = TILE_M / PART_M * (TILE_N / PART_N);
const uint MATRIX_QUADS = MATRIX_M * MATRIX_N / 4;

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer U32x4 { uvec4 at[]; };

shared uvec4 tile_a[2 * LINES_A * STRIDE_A];
shared uvec4 tile_b[2 * LINES_B * STRIDE_B];
shared vec4 finished[SUBGROUPS * MATRIX_QUADS];

uint load_pair(uint64_t line, uint first, uint count, uint end)
{
    uint low = uint(U16(line + uint64_t(min(first, count - 1)) * 2).at[0]);
    uint high = uint(U16(line + uint64_t(min(first + 1, count - 1)) * 2).at[0]);
    return (first < end ? low : 0) | (first + 1 < end ? high << 16 : 0);
}

// One piece of the tile of an operand [count, k] whose corner is row `first`, depth `k`: `at` is its
// first element along the line, and the line. What lies past the last row is never stored and may be
// anything; what lies from depth `end` on is zero.
uvec4 load_piece(uint64_t address, uvec2 at, bool transposed, uint k, uint end, uint first,
    uint count, uint stride, bool vector)
{
    uint lines = transposed ? args.k : count, columns = transposed ? count : args.k;
    uint line = at.y + (transposed ? k : first), column = at.x + (transposed ? first : k);
    uint64_t line_address = address + uint64_t(min(line, lines - 1)) * stride * 2;
    uint last = transposed ? (line < end ? 0xffffffffu : 0) : end;
    if (vector) {
        uvec4 piece = U32x4(line_address + uint64_t(min(column, columns - 8)) * 2).at[0];
        return column < last ? piece : uvec4(0);
    }
    return uvec4(load_pair(line_address, column, columns, last),
        load_pair(line_address, column + 2, columns, last),
        load_pair(line_address, column + 4, columns, last),
        load_pair(line_address, column + 6, columns, last));
}

uvec4 convert_piece(uvec4 piece, float scale)
{
    return uvec4(convert_pair(piece.x, scale), convert_pair(piece.y, scale),
        convert_pair(piece.z, scale), convert_pair(piece.w, scale));
}

uint piece_number(uint load)
{
    return gl_LocalInvocationIndex + load * THREADS;
}

void load_tiles(Tile tile, uint k, out uvec4 next_a[LOADS_A], out uvec4 next_b[LOADS_B])
{
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        uint piece = min(piece_number(i), PIECES_A * LINES_A - 1);
        next_a[i] = load_piece(args.a, uvec2(piece % PIECES_A * 8, piece / PIECES_A), A_TRANSPOSED,
            k, tile.end, tile.m, args.m, args.a_stride, A_VECTOR);
    }
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
        uint piece = min(piece_number(i), PIECES_B * LINES_B - 1);
        next_b[i] = load_piece(args.b, uvec2(piece % PIECES_B * 8, piece / PIECES_B), B_TRANSPOSED,
            k, tile.end, tile.n, args.n, args.b_stride, B_VECTOR);
    }
}

void store_tiles(
    uint half_index, vec2 scale, uvec4 next_a[LOADS_A], uvec4 next_b[LOADS_B])
{
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        uint piece = piece_number(i);
        if (piece < PIECES_A * LINES_A) {
            tile_a[(half_index * LINES_A + piece / PIECES_A) * STRIDE_A + piece % PIECES_A] =
                convert_piece(next_a[i], scale.x);
        }
    }
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
        uint piece = piece_number(i);
        if (piece < PIECES_B * LINES_B) {
            tile_b[(half_index * LINES_B + piece / PIECES_B) * STRIDE_B + piece % PIECES_B] =
                convert_piece(next_b[i], scale.y);
        }
    }
}

void main()
{
    Tile tile;
    if (!find_tile(tile)) {
        return;
    }
    vec2 scale = vec2(operand_scale(0), operand_scale(1));
    uint across = TILE_N / PART_N;
    uint part_m = gl_SubgroupID / across * PART_M, part_n = gl_SubgroupID % across * PART_N;
    coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>
        sum[ROWS * COLUMNS];
    [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) {
        sum[i] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0);
    }
    uvec4 next_a[LOADS_A], next_b[LOADS_B];
    load_tiles(tile, tile.begin, next_a, next_b);
    store_tiles(0, scale, next_a, next_b);
    barrier();
    uint half_index = 0;
    for (uint k = tile.begin; k < tile.end; k += TILE_K) {
        bool more = k + TILE_K < tile.end;
        if (more) {
            load_tiles(tile, k + TILE_K, next_a, next_b);
        }
        [[unroll]] for (uint t = 0; t < TILE_K; t += MATRIX_K) {
            coopmat<ELEMENT, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> x[ROWS];
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                uint row = part_m + i * MATRIX_M, base = half_index * LINES_A * STRIDE_A;
                if (A_TRANSPOSED) {
                    coopMatLoad(x[i], tile_a, base + t * STRIDE_A + row / 8, STRIDE_A,
                        gl_CooperativeMatrixLayoutColumnMajor);
                } else {
                    coopMatLoad(x[i], tile_a, base + row * STRIDE_A + t / 8, STRIDE_A,
                        gl_CooperativeMatrixLayoutRowMajor);
                }
            }
            [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
                coopmat<ELEMENT, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> y;
                uint column = part_n + j * MATRIX_N, base = half_index * LINES_B * STRIDE_B;
                if (B_TRANSPOSED) {
                    coopMatLoad(y, tile_b, base + t * STRIDE_B + column / 8, STRIDE_B,
                        gl_CooperativeMatrixLayoutRowMajor);
                } else {
                    coopMatLoad(y, tile_b, base + column * STRIDE_B + t / 8, STRIDE_B,
                        gl_CooperativeMatrixLayoutColumnMajor);
                }
                [[unroll]] for (uint i = 0; i < ROWS; i++) {
                    sum[i * COLUMNS + j] = coopMatMulAdd(x[i], y, sum[i * COLUMNS + j]);
                }
            }
        }
        half_index = 1 - half_index;
        if (more) {
            store_tiles(half_index, scale, next_a, next_b);
        }
        barrier();
    }
    // A power of two each, and not their product, which could leave the range of fp32.
    vec2 back = 1 / scale;
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
            coopMatStore(sum[i * COLUMNS + j], finished, gl_SubgroupID * MATRIX_QUADS, MATRIX_N / 4,
                gl_CooperativeMatrixLayoutRowMajor);
            subgroupBarrier();
            for (uint q = gl_SubgroupInvocationID; q < MATRIX_QUADS; q += SUBGROUP) {
                uint row = tile.m + part_m + i * MATRIX_M + q / (MATRIX_N / 4);
                uint column = tile.n + part_n + j * MATRIX_N + q % (MATRIX_N / 4) * 4;
                vec4 value = finished[gl_SubgroupID * MATRIX_QUADS + q] * back.x * back.y;
                if (row < args.m && column < args.n) {
                    store_quad(tile.c, row, column, value);
                }
            }
            subgroupBarrier();
        }
    }
}
