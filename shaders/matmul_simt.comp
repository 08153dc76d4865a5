// SPDX-License-Identifier: Apache-2.0
// The matrix product for any GPU: a workgroup computes TILE_M x TILE_N of c from tiles of TILE_K
// depths in shared memory, each invocation ROWS x COLUMNS in registers. The next tile is loaded
// into registers while this one is used. Tiles lie [TILE_K][TILE_M] in vec4s, with one vec4 of
// padding a line against bank conflicts. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "matmul_gpu.h"

layout(local_size_x_id = 0) in; // TILE_M / ROWS * TILE_N / COLUMNS
layout(constant_id = 1) const uint TILE_M = 128;
layout(constant_id = 2) const uint TILE_N = 128;
layout(constant_id = 3) const uint TILE_K = 16;
layout(constant_id = 4) const uint ROWS = 8; // multiples of 4
layout(constant_id = 5) const uint COLUMNS = 8;
layout(constant_id = 6) const uint FLAGS = 0;
LW_PUSH_CONSTANTS(lw_matmul_gpu_args)
#include "include/matmul_store.glsl"
#include "include/matmul_grid.glsl"

const bool A_TRANSPOSED = (FLAGS & LW_MATMUL_A_TRANSPOSED) != 0;
const bool B_TRANSPOSED = (FLAGS & LW_MATMUL_B_TRANSPOSED) != 0;
const bool A_VECTOR = (FLAGS & LW_MATMUL_A_VECTOR) != 0;
const bool B_VECTOR = (FLAGS & LW_MATMUL_B_VECTOR) != 0;
const uint THREADS = gl_WorkGroupSize.x;
const uint LINE_A = TILE_M / 4 + 1, LINE_B = TILE_N / 4 + 1; // vec4s
const uint LOADS_A = TILE_M * TILE_K / 4 / THREADS, LOADS_B = TILE_N * TILE_K / 4 / THREADS;
const uint QUADS_M = ROWS / 4, QUADS_N = COLUMNS / 4;
const uint ACROSS = TILE_N / COLUMNS;     // invocations along n
const uint SPREAD_M = TILE_M / 4 / QUADS_M; // vec4s between an invocation's row quads
const uint SPREAD_N = TILE_N / 4 / QUADS_N;

shared vec4 tile_a[TILE_K * LINE_A];
shared vec4 tile_b[TILE_K * LINE_B];

#ifdef STORAGE_BF16
#define load_four load4_bf16
#else
vec4 load_four(uint64_t address, uint64_t index)
{
    return F32x4(address + index * 4).at[0];
}
#endif

// Where this invocation's load `i` of an operand falls in its tile: x along the line, y the line.
// Lines run along the depth unless transposed.
uvec2 place(uint i, bool transposed, uint extent)
{
    uint quad = gl_LocalInvocationIndex + i * THREADS;
    uint per_line = (transposed ? extent : TILE_K) / 4;
    return uvec2(quad % per_line * 4, quad / per_line);
}

// Elements first .. first + 3 of a line of `count`, ends clamped.
vec4 load_line(uint64_t line, uint first, uint count, bool vector)
{
    if (vector) {
        return load_four(line, min(first, count - 4));
    }
    uint last = count - 1;
    return vec4(load_storage(line, min(first, last)), load_storage(line, min(first + 1, last)),
        load_storage(line, min(first + 2, last)), load_storage(line, min(first + 3, last)));
}

// The quad `at` of the tile of an operand [count, k] whose corner is row `first`, depth `k`. Without
// a branch: what lies past the last row is never stored and may be anything, what lies from depth
// `end` on is zero.
vec4 load_quad(uint64_t address, uvec2 at, bool transposed, uint k, uint end, uint first,
    uint count, uint stride, bool vector)
{
    uint lines = transposed ? args.k : count, columns = transposed ? count : args.k;
    uint line = at.y + (transposed ? k : first), column = at.x + (transposed ? first : k);
    uint64_t line_address = address + uint64_t(min(line, lines - 1)) * stride * STORAGE_BYTES;
    vec4 value = load_line(line_address, column, columns, vector);
    bvec4 inside = transposed ? bvec4(line < end)
                              : lessThan(column + uvec4(0, 1, 2, 3), uvec4(end));
    return mix(vec4(0), value, inside);
}

void main()
{
    Tile tile;
    if (!find_tile(tile)) {
        return;
    }
    uint thread = gl_LocalInvocationIndex;
    uint quad_m = thread / ACROSS, quad_n = thread % ACROSS;
    vec4 sum[ROWS][QUADS_N];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint j = 0; j < QUADS_N; j++) {
            sum[i][j] = vec4(0);
        }
    }
    vec4 next_a[LOADS_A], next_b[LOADS_B];
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        next_a[i] = load_quad(args.a, place(i, A_TRANSPOSED, TILE_M), A_TRANSPOSED,
            tile.begin, tile.end, tile.m, args.m, args.a_stride, A_VECTOR);
    }
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
        next_b[i] = load_quad(args.b, place(i, B_TRANSPOSED, TILE_N), B_TRANSPOSED,
            tile.begin, tile.end, tile.n, args.n, args.b_stride, B_VECTOR);
    }
    for (uint k = tile.begin; k < tile.end; k += TILE_K) {
        [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
            uvec2 at = place(i, A_TRANSPOSED, TILE_M);
            if (A_TRANSPOSED) {
                tile_a[at.y * LINE_A + at.x / 4] = next_a[i];
            } else {
                [[unroll]] for (uint t = 0; t < 4; t++) {
                    tile_a[(at.x + t) * LINE_A + at.y / 4][at.y % 4] = next_a[i][t];
                }
            }
        }
        [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
            uvec2 at = place(i, B_TRANSPOSED, TILE_N);
            if (B_TRANSPOSED) {
                tile_b[at.y * LINE_B + at.x / 4] = next_b[i];
            } else {
                [[unroll]] for (uint t = 0; t < 4; t++) {
                    tile_b[(at.x + t) * LINE_B + at.y / 4][at.y % 4] = next_b[i][t];
                }
            }
        }
        barrier();
        if (k + TILE_K < tile.end) {
            [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
                next_a[i] = load_quad(args.a, place(i, A_TRANSPOSED, TILE_M), A_TRANSPOSED,
                    k + TILE_K, tile.end, tile.m, args.m, args.a_stride, A_VECTOR);
            }
            [[unroll]] for (uint i = 0; i < LOADS_B; i++) {
                next_b[i] = load_quad(args.b, place(i, B_TRANSPOSED, TILE_N), B_TRANSPOSED,
                    k + TILE_K, tile.end, tile.n, args.n, args.b_stride, B_VECTOR);
            }
        }
        // Unrolled: CPU drivers stop a shader's loops after 65535 iterations in all.
        [[unroll]] for (uint t = 0; t < TILE_K; t++) {
            vec4 x[QUADS_M], y[QUADS_N];
            [[unroll]] for (uint i = 0; i < QUADS_M; i++) {
                x[i] = tile_a[t * LINE_A + quad_m + i * SPREAD_M];
            }
            [[unroll]] for (uint j = 0; j < QUADS_N; j++) {
                y[j] = tile_b[t * LINE_B + quad_n + j * SPREAD_N];
            }
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                [[unroll]] for (uint j = 0; j < QUADS_N; j++) {
                    sum[i][j] = fma(vec4(x[i / 4][i % 4]), y[j], sum[i][j]);
                }
            }
        }
        barrier();
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        uint row = tile.m + (quad_m + i / 4 * SPREAD_M) * 4 + i % 4;
        [[unroll]] for (uint j = 0; j < QUADS_N; j++) {
            uint column = tile.n + (quad_n + j * SPREAD_N) * 4;
            if (row < args.m && column < args.n) {
                store_quad(tile.c, row, column, sum[i][j]);
            }
        }
    }
}
