// SPDX-License-Identifier: Apache-2.0
// The matrix product for CPU drivers: a workgroup is one vector of LANES columns times TILE rows, no
// barriers, no shared memory. What makes it fast there (Mesa 26, read from its machine code): an
// address that all lanes share becomes a broadcast operand of the multiplication (the row panels);
// one that differs by lane is a gather, which costs as much as twenty multiplications on AMD's
// processors. So each lane picks its own of LANES neighbours (the lane panels), which becomes one
// vector load. OUT_BF16: c and add are bf16.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#include "include/kernel.glsl"
#include "include/lanes.glsl"
#include "include/matmul_out.glsl"
#include "matmul_panels.h"

layout(constant_id = 1) const uint TILE = 16;
layout(constant_id = 2) const uint STEP = 32; // depths an iteration unrolls, a power of two
layout(constant_id = 3) const bool BIAS = false;
layout(constant_id = 4) const bool ADD = false;
// Depths that one accumulator adds up, a multiple of STEP; 0: all. A single one over the 150,000
// tokens of a vocabulary loses 1e-5 of a gradient.
layout(constant_id = 5) const uint SPAN = 0;
LW_PUSH_CONSTANTS(lw_matmul_panels_args)

float load_add(uint row, uint lane_panel)
{
    uint64_t line = args.add + (uint64_t(row) * args.add_stride + lane_panel * LANES) * OUT_BYTES;
#ifdef OUT_BF16
    return load_out(line, min(gl_LocalInvocationID.x, args.n - 1 - lane_panel * LANES));
#else
    return load_lane_f32(line); // beyond the edge: whatever lies there
#endif
}

// Adds the products of the depths from `begin` on, below `end`, to the sums.
void accumulate(uint64_t rows, uint64_t lanes, uint begin, uint end, inout float sum[TILE])
{
    uint64_t row_bytes = uint64_t(args.row_stride) * 4, lane_bytes = uint64_t(args.lane_stride) * 4;
    uint k = begin;
    do { // a loop with its condition first would run its body once more, for nobody
        uint64_t row = rows + k * row_bytes, lane = lanes + k * lane_bytes;
        [[unroll]] for (uint t = 0; t < STEP; t++) {
            float y = load_lane_f32(lane);
            [[unroll]] for (uint i = 0; i < TILE; i++) {
                sum[i] = fma(F32(row).at[i], y, sum[i]);
            }
            row += row_bytes;
            lane += lane_bytes;
        }
        k += STEP;
    } while (k < end);
}

// c[row, column] with the column as an offset in bytes (below 2^31): a shared 64-bit base plus 32
// bits by lane, because Intel's processors close a vector port while vectors of 64-bit addresses,
// 512 bits wide, are in flight.
void finish(uint row, uint offset, float value)
{
    uint64_t line = args.c + uint64_t(row) * args.c_stride * OUT_BYTES;
    store_out(line + uint64_t(offset), 0, value);
}

void main()
{
    // Lane panels of one block, row panel by row panel; then the next block. Groups behind the last
    // repeat one of its products and store nothing.
    uint index = uint(lw_group_index());
    uint first = index / (args.block * args.row_panels) * args.block;
    uint rest = index - first * args.row_panels;
    bool inside = first < args.lane_panels;
    uint width = inside ? min(args.block, args.lane_panels - first) : 1;
    inside = inside && rest / width < args.row_panels;
    uint row_panel = min(rest / width, args.row_panels - 1);
    uint lane_panel = min(first + rest % width, args.lane_panels - 1);
    uint column = lane_panel * LANES + gl_LocalInvocationID.x;

    uint64_t rows = args.rows + uint64_t(row_panel) * args.row_step * 4;
    uint64_t lanes = args.lanes + uint64_t(lane_panel) * args.lane_step * 4;
    // What the product is added to is loaded here and not where it is needed, because there the driver's
    // compiler would reorder the whole product, with a spill for each multiplication.
    float sum[TILE], add[TILE];
    [[unroll]] for (uint i = 0; i < TILE; i++) {
        sum[i] = 0;
        add[i] = ADD ? load_add(min(row_panel * TILE + i, args.m - 1), lane_panel) : 0;
    }
    if (SPAN == 0) {
        accumulate(rows, lanes, 0, args.depth, sum);
    } else {
        uint k = 0;
        do {
            float part[TILE];
            [[unroll]] for (uint i = 0; i < TILE; i++) {
                part[i] = 0;
            }
            accumulate(rows, lanes, k, min(k + SPAN, args.depth), part);
            [[unroll]] for (uint i = 0; i < TILE; i++) {
                sum[i] += part[i];
            }
            k += SPAN;
        } while (k < args.depth);
    }
    uint c_row = row_panel * TILE;
    if (inside && column < args.n) {
        float bias = BIAS ? load_storage(args.bias, column) : 0;
        uint offset = (column * OUT_BYTES) & 0x7fffffffu;
        // Every `if` is a round of mask arithmetic: one for a whole tile, one a row only at the edge.
        if (c_row + TILE <= args.m) {
            [[unroll]] for (uint i = 0; i < TILE; i++) {
                finish(c_row + i, offset, sum[i] + bias + add[i]);
            }
        } else {
            [[unroll]] for (uint i = 0; i < TILE; i++) {
                if (c_row + i < args.m) {
                    finish(c_row + i, offset, sum[i] + bias + add[i]);
                }
            }
        }
    }
}
