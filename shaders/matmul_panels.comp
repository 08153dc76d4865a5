// SPDX-License-Identifier: Apache-2.0
// The matrix product for CPU drivers: a workgroup is one vector of LANES columns times TILE rows,
// no barriers, no shared memory. What makes it fast there: an address that is the same for all
// lanes becomes a broadcast operand of the FMA (the row panels); one that differs by lane is a
// gather, dear, so it fetches 64 bits (the lanes' operand) and serves PER * TILE FMAs; addresses
// are one pointer per STEP with constant offsets, because a loop's own work is masked.
// OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "matmul_panels.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint TILE = 16;
layout(constant_id = 2) const uint STEP = 16;      // depths an iteration unrolls
layout(constant_id = 3) const bool NATIVE = false; // the lanes' operand is not packed
layout(constant_id = 4) const bool BIAS = false;
layout(constant_id = 5) const bool ADD = false;
LW_PUSH_CONSTANTS(lw_matmul_panels_args)

const uint LANES = gl_WorkGroupSize.x;
const uint PER = 8 / STORAGE_BYTES;
const uint WORD_STEP = NATIVE ? 1 : LANES;               // words from one depth to the next
const uint DEPTH_BYTES = (NATIVE ? 1 : LANES) * STORAGE_BYTES;

#ifdef OUT_BF16
#define load_out load_bf16
#define store_out store_bf16
#else
#define load_out load_f32
#define store_out store_f32
#endif

// Element `i` of a word.
float decode(uint64_t word, uint i)
{
#ifdef STORAGE_BF16
    uint half_word = uint(word >> (i / 2 * 32));
    return uintBitsToFloat(i % 2 == 0 ? half_word << 16 : half_word & 0xffff0000u);
#else
    return uintBitsToFloat(uint(word >> (i * 32)));
#endif
}

void main()
{
    // Groups of one block, row panel by row panel; then the next block.
    uint index = uint(lw_group_index());
    uint block = index / (args.block * args.panels);
    uint first = block * args.block;
    uint rest = index - first * args.panels;
    bool inside = first < args.groups;
    uint width = inside ? min(args.block, args.groups - first) : 1;
    uint panel = rest / width;
    inside = inside && panel < args.panels;
    uint group = first + rest % width;
    uint column = group * LANES + gl_LocalInvocationID.x;
    uint depth = inside ? args.depth : 0;

    uint64_t rows = args.rows + uint64_t(panel) * args.depth * (TILE * 4);
    uint64_t lanes;
    if (NATIVE) {
        lanes = args.lanes +
                uint64_t(min(column, args.n - 1)) * args.lane_stride * STORAGE_BYTES;
    } else {
        lanes = args.lanes + (uint64_t(group) * args.depth * STORAGE_BYTES * LANES +
                                 gl_LocalInvocationID.x * 8);
    }
    float sum[TILE];
    [[unroll]] for (uint i = 0; i < TILE; i++) {
        sum[i] = 0;
    }
    for (uint k = 0; k < depth; k += STEP) {
        F32 row = F32(rows + uint64_t(k * (TILE * 4)));
        U64 lane = U64(lanes + uint64_t(k * DEPTH_BYTES));
        [[unroll]] for (uint t = 0; t < STEP; t += PER) {
            uint64_t word = lane.at[t / PER * WORD_STEP];
            [[unroll]] for (uint s = 0; s < PER; s++) {
                float y = decode(word, s);
                [[unroll]] for (uint i = 0; i < TILE; i++) {
                    sum[i] = fma(row.at[(t + s) * TILE + i], y, sum[i]);
                }
            }
        }
    }
    if (inside && column < args.n) {
        float bias = BIAS ? load_storage(args.bias, column) : 0;
        [[unroll]] for (uint i = 0; i < TILE; i++) {
            uint c_row = panel * TILE + i;
            if (c_row < args.m) {
                float value = sum[i] + bias;
                if (ADD) {
                    value += load_out(args.add, uint64_t(c_row) * args.add_stride + column);
                }
                store_out(args.c, uint64_t(c_row) * args.c_stride + column, value);
            }
        }
    }
}
