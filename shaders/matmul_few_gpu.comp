// SPDX-License-Identifier: Apache-2.0
// The product of a few rows (generation) for GPUs, bound by reading b once: a workgroup owns
// COLUMNS columns of c, its invocations share their rows of b out in pieces of 16 bytes and then
// add their sums up in a fixed tree. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/matmul_out.glsl"
#include "matmul_few_gpu.h"

layout(local_size_x_id = 0) in;              // a power of two
layout(constant_id = 1) const uint ROWS = 1; // of a
layout(constant_id = 2) const uint COLUMNS = 4;
layout(constant_id = 3) const bool BIAS = false;
layout(constant_id = 4) const bool ADD = false;
LW_PUSH_CONSTANTS(lw_matmul_few_args)

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer U32x4 { uvec4 at[]; };

const uint PER = 4 / STORAGE_BYTES; // elements of a word
const uint PIECE = 4 * PER;
const uint THREADS = gl_WorkGroupSize.x;

shared float partial[ROWS * COLUMNS * THREADS];

// Element `i` of a piece.
float element(uvec4 piece, uint i)
{
    uint word = piece[i / PER];
#ifdef STORAGE_BF16
    return uintBitsToFloat(i % 2 == 0 ? word << 16 : word & 0xffff0000u);
#else
    return uintBitsToFloat(word);
#endif
}

void main()
{
    uint64_t first = lw_group_index() * COLUMNS;
    if (first >= args.n) {
        return;
    }
    uint thread = gl_LocalInvocationIndex;
    uint64_t a_line = uint64_t(args.a_stride) * STORAGE_BYTES;
    uint64_t b[COLUMNS];
    float sum[ROWS][COLUMNS];
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        uint column = min(uint(first) + j, args.n - 1);
        b[j] = args.b + uint64_t(column) * args.b_stride * STORAGE_BYTES;
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            sum[i][j] = 0;
        }
    }
    uint whole = args.k / PIECE * PIECE;
    for (uint k = thread * PIECE; k < whole; k += THREADS * PIECE) {
        uvec4 y[COLUMNS];
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
            y[j] = U32x4(b[j] + k * STORAGE_BYTES).at[0];
        }
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            uvec4 x = U32x4(args.a + i * a_line + k * STORAGE_BYTES).at[0];
            [[unroll]] for (uint t = 0; t < PIECE; t++) {
                [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
                    sum[i][j] = fma(element(x, t), element(y[j], t), sum[i][j]);
                }
            }
        }
    }
    for (uint k = whole + thread; k < args.k; k += THREADS) {
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            float x = load_storage(args.a + i * a_line, k);
            [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
                sum[i][j] = fma(x, load_storage(b[j], k), sum[i][j]);
            }
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
            partial[(i * COLUMNS + j) * THREADS + thread] = sum[i][j];
        }
    }
    barrier();
    for (uint half_count = THREADS / 2; half_count > 0; half_count /= 2) {
        for (uint i = thread; i < ROWS * COLUMNS * half_count; i += THREADS) {
            uint at = i / half_count * THREADS + i % half_count;
            partial[at] += partial[at + half_count];
        }
        barrier();
    }
    if (thread < ROWS * COLUMNS) {
        uint row = thread / COLUMNS, column = uint(first) + thread % COLUMNS;
        if (column < args.n) {
            float value = partial[thread * THREADS];
            if (BIAS) {
                value += load_storage(args.bias, column);
            }
            if (ADD) {
                value += load_out(args.add, uint64_t(row) * args.add_stride + column);
            }
            store_out(args.c, uint64_t(row) * args.c_stride + column, value);
        }
    }
}
