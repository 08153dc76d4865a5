// SPDX-License-Identifier: Apache-2.0
// Packs an operand of a CPU product into fp32 panels [rows / TILE][padded_depth][TILE]. Rows past
// the last repeat it, or hold what lies beside it: the product never stores them. Stores are of pairs,
// because CPU drivers store element by element.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/lanes.glsl"
#include "matmul_pack.h"

layout(constant_id = 1) const uint TILE = 16;
layout(constant_id = 2) const bool TRANSPOSED = false; // the source is [depth, rows]
LW_PUSH_CONSTANTS(lw_matmul_pack_args)

uint64_t line_address(uint line)
{
    return args.source + uint64_t(line) * args.stride * STORAGE_BYTES;
}

uint64_t pair_of(float x, float y)
{
    return uint64_t(floatBitsToUint(x)) | uint64_t(floatBitsToUint(y)) << 32;
}

// LW_PACK_CHUNKS * LANES depths of a whole panel, of which a lane takes every LANES-th: in a row they are
// neighbours, which are loaded together; behind a row's end lies anything.
void pack_plain(uint panel, uint begin)
{
    uint lane = gl_LocalInvocationID.x;
    uint64_t target = args.target + (uint64_t(panel) * args.padded_depth + begin) * (TILE * 4);
    [[unroll]] for (uint i = 0; i < TILE; i += 2) {
        uint row = panel * TILE + i;
        uint64_t x_line = line_address(min(row, args.rows - 1));
        uint64_t y_line = line_address(min(row + 1, args.rows - 1));
        [[unroll]] for (uint chunk = 0; chunk < LW_PACK_CHUNKS; chunk++) {
            uint depth = begin + chunk * LANES;
            float x = load_lane_storage(x_line + uint64_t(depth) * STORAGE_BYTES);
            float y = load_lane_storage(y_line + uint64_t(depth) * STORAGE_BYTES);
            bool inside = depth + lane < args.depth;
            if (depth < args.padded_depth) {
                U64(target + uint64_t((chunk * LANES + lane) * (TILE * 4) + i * 4)).at[0] =
                    inside ? pair_of(x, y) : 0;
            }
        }
    }
}

// The pair of elements at an address, any for a processor.
#ifdef STORAGE_BF16
#define STORED_PAIR uint
uint stored_pair(uint64_t address)
{
    return U32(address).at[0];
}

uint64_t widen(uint pair)
{
    return uint64_t(pair << 16) | uint64_t(pair & 0xffff0000u) << 32;
}
#else
#define STORED_PAIR uint64_t
uint64_t stored_pair(uint64_t address)
{
    return U64(address).at[0];
}

uint64_t widen(uint64_t pair)
{
    return pair;
}
#endif

// LW_PACK_RUN depths of a whole panel: there their pairs lie one behind the other, and a lane takes every
// LANES-th. Where each comes from is known when the shader is compiled, so that those of a vector are
// loaded together.
void pack_transposed(uint panel, uint begin)
{
    const uint PAIRS = TILE / 2; // of a depth
    uint64_t target = args.target + (uint64_t(panel) * args.padded_depth + begin) * (TILE * 4);
    uint64_t lines[LW_PACK_RUN];
    [[unroll]] for (uint d = 0; d < LW_PACK_RUN; d++) {
        lines[d] = line_address(min(begin + d, args.depth - 1)) +
            uint64_t(panel) * (TILE * STORAGE_BYTES);
    }
    [[unroll]] for (uint first = 0; first < LW_PACK_RUN * PAIRS; first += LANES) {
        STORED_PAIR own = stored_pair(lines[first / PAIRS] + first % PAIRS * (2 * STORAGE_BYTES));
        [[unroll]] for (uint i = 1; i < LANES; i++) {
            uint which = first + i;
            STORED_PAIR other =
                stored_pair(lines[which / PAIRS] + which % PAIRS * (2 * STORAGE_BYTES));
            own = mix(own, other, gl_SubgroupInvocationID == i);
        }
        uint mine = first + gl_LocalInvocationID.x;
        U64(target + uint64_t(mine * 8)).at[0] =
            begin + mine / PAIRS < args.depth ? widen(own) : 0;
    }
}

void main()
{
    uint panels = (args.rows + TILE - 1) / TILE;
    uint index = uint(lw_group_index());
    if (TRANSPOSED) {
        if (index / panels * LW_PACK_RUN < args.padded_depth) {
            pack_transposed(index % panels, index / panels * LW_PACK_RUN);
        }
        return;
    }
    uint width = LW_PACK_CHUNKS * LANES, chunks = (args.padded_depth + width - 1) / width;
    uint panel = index / chunks;
    if (panel < panels) {
        pack_plain(panel, index % chunks * width);
    }
}
