// SPDX-License-Identifier: Apache-2.0
// The product of a few rows (generation) for CPU drivers, bound by reading b once: a lane is a
// column of c and walks its row of b in pieces of 32 bytes, the widest load, because drivers before
// Mesa 26 pay per load, not per byte. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/matmul_out.glsl"
#include "matmul_few_cpu.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ROWS = 1; // of a
layout(constant_id = 2) const bool BIAS = false;
layout(constant_id = 3) const bool ADD = false;
LW_PUSH_CONSTANTS(lw_matmul_few_args)

layout(buffer_reference, scalar, buffer_reference_align = 8) buffer U64x4 { u64vec4 at[]; };

const uint PER = 8 / STORAGE_BYTES; // elements of a word
const uint PIECE = 4 * PER;
const uint PARTS = ROWS <= 2 ? 4 : 1; // sums side by side, against the latency of the addition
const uint PIECES = ROWS <= 4 ? 4 : 2; // that an iteration takes

// Element `i` of a piece.
float element(u64vec4 piece, uint i)
{
    uint64_t word = piece[i / PER];
#ifdef STORAGE_BF16
    uint pair = uint(word >> (i % PER / 2 * 32));
    return uintBitsToFloat(i % 2 == 0 ? pair << 16 : pair & 0xffff0000u);
#else
    return uintBitsToFloat(uint(word >> (i % PER * 32)));
#endif
}

// Multiplies one piece of depths.
void add_piece(inout float sum[ROWS][PARTS], uint64_t b, uint64_t a, uint64_t a_line)
{
    u64vec4 y = U64x4(b).at[0];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        u64vec4 x = U64x4(a + i * a_line).at[0];
        [[unroll]] for (uint t = 0; t < PIECE; t++) {
            sum[i][t % PARTS] = fma(element(x, t), element(y, t), sum[i][t % PARTS]);
        }
    }
}

void main()
{
    uint64_t first = lw_group_index() * gl_WorkGroupSize.x;
    bool inside = first + gl_LocalInvocationID.x < args.n;
    uint column = inside ? uint(first) + gl_LocalInvocationID.x : args.n - 1;
    uint64_t b = args.b + uint64_t(column) * args.b_stride * STORAGE_BYTES;
    uint64_t a_line = uint64_t(args.a_stride) * STORAGE_BYTES;
    float sum[ROWS][PARTS];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        [[unroll]] for (uint p = 0; p < PARTS; p++) {
            sum[i][p] = 0;
        }
    }
    uint whole = args.k / PIECE * PIECE, most = args.k / (PIECE * PIECES) * (PIECE * PIECES);
    for (uint k = 0; k < most; k += PIECE * PIECES) {
        uint64_t at = k * STORAGE_BYTES;
        [[unroll]] for (uint p = 0; p < PIECES; p++) {
            add_piece(sum, b + at + p * 32, args.a + at + p * 32, a_line);
        }
    }
    for (uint k = most; k < whole; k += PIECE) {
        uint64_t at = k * STORAGE_BYTES;
        add_piece(sum, b + at, args.a + at, a_line);
    }
    for (uint k = whole; k < args.k; k++) {
        float y = load_storage(b, k);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            sum[i][0] = fma(load_storage(args.a + i * a_line, k), y, sum[i][0]);
        }
    }
    if (inside) {
        float bias = BIAS ? load_storage(args.bias, column) : 0;
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            float value = sum[i][0];
            [[unroll]] for (uint p = 1; p < PARTS; p++) {
                value += sum[i][p];
            }
            value += bias;
            if (ADD) {
                value += load_out(args.add, uint64_t(i) * args.add_stride + column);
            }
            store_out(args.c, uint64_t(i) * args.c_stride + column, value);
        }
    }
}
