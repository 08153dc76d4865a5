// SPDX-License-Identifier: Apache-2.0
// Packs an operand of a CPU product into fp32 panels [rows / TILE][padded_depth][TILE]. Rows past
// the last repeat it: the product never stores them. Those of a transposed source are 64 bits wide
// where ALIGNED says that four neighbours are aligned and whole.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/lanes.glsl"
#include "matmul_pack.h"

#define CHUNKS 4 // depths of an invocation in a plain source

layout(constant_id = 1) const uint TILE = 16;
layout(constant_id = 2) const bool TRANSPOSED = false; // the source is [depth, rows]
layout(constant_id = 3) const bool ALIGNED = true;
LW_PUSH_CONSTANTS(lw_matmul_pack_args)

// Elements first .. first + 3 of a line of `count`, ends clamped.
vec4 load_line(uint64_t line, uint first, uint count)
{
    if (ALIGNED) {
        return load4_storage(line, min(first, count - 4));
    }
    uint last = count - 1;
    return vec4(load_storage(line, min(first, last)), load_storage(line, min(first + 1, last)),
        load_storage(line, min(first + 2, last)), load_storage(line, min(first + 3, last)));
}

uint64_t line_address(uint line)
{
    return args.source + uint64_t(line) * args.stride * STORAGE_BYTES;
}

void store_pair(uint64_t target, uint index, float x, float y)
{
    // One store of 64 bits: CPU drivers would make two of a vec2.
    U64(target + index * 4).at[0] =
        uint64_t(floatBitsToUint(x)) | uint64_t(floatBitsToUint(y)) << 32;
}

// CHUNKS * LANES depths of a whole panel, of which a lane takes every LANES-th: in a row they are
// neighbours, which are loaded together; behind a row's end lies anything.
void pack_plain(uint panel, uint begin)
{
    uint lane = gl_LocalInvocationID.x;
    uint64_t target = args.target + (uint64_t(panel) * args.padded_depth + begin) * (TILE * 4);
    [[unroll]] for (uint i = 0; i < TILE; i += 2) {
        uint row = panel * TILE + i;
        uint64_t x_line = line_address(min(row, args.rows - 1));
        uint64_t y_line = line_address(min(row + 1, args.rows - 1));
        [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
            uint depth = begin + chunk * LANES;
            float x = load_lane_storage(x_line + uint64_t(depth) * STORAGE_BYTES);
            float y = load_lane_storage(y_line + uint64_t(depth) * STORAGE_BYTES);
            bool inside = depth + lane < args.depth;
            if (depth < args.padded_depth) {
                store_pair(target + uint64_t((chunk * LANES + lane) * (TILE * 4)), i,
                    mix(0, x, inside), mix(0, y, inside));
            }
        }
    }
}

// One depth of a whole panel.
void pack_transposed(uint panel, uint depth)
{
    if (depth >= args.padded_depth) {
        return;
    }
    uint64_t source = line_address(min(depth, args.depth - 1));
    uint64_t target =
        args.target + (uint64_t(panel) * args.padded_depth + depth) * (TILE * 4);
    bvec4 inside = bvec4(depth < args.depth);
    [[unroll]] for (uint i = 0; i < TILE; i += 4) {
        vec4 x = mix(vec4(0), load_line(source, panel * TILE + i, args.rows), inside);
        store_pair(target, i, x.x, x.y);
        if (i + 2 < TILE) {
            store_pair(target, i + 2, x.z, x.w);
        }
    }
}

void main()
{
    uint panels = (args.rows + TILE - 1) / TILE;
    uint index = uint(lw_group_index());
    if (TRANSPOSED) {
        pack_transposed(index % panels, index / panels * LANES + gl_LocalInvocationID.x);
        return;
    }
    uint width = CHUNKS * LANES, chunks = (args.padded_depth + width - 1) / width;
    uint panel = index / chunks;
    if (panel < panels) {
        pack_plain(panel, index % chunks * width);
    }
}
