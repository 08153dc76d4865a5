// SPDX-License-Identifier: Apache-2.0
// Packs an operand of a CPU product into fp32 panels [rows / TILE][padded_depth][TILE]. Rows past
// the last repeat it: the product never stores them. Loads are 64 bits wide where ALIGNED says that
// four neighbours are aligned and whole.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "matmul_pack.h"

layout(local_size_x_id = 0) in;
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

// Depths begin + first .. begin + first + 3 of a row, `first` being those of the invocation. What lies
// behind the last is anything.
vec4 load_depths(uint row, uint begin, uint first)
{
    uint64_t line = line_address(min(row, args.rows - 1));
    if (ALIGNED && CPU_LANES != 0) {
        return near4_storage(line + uint64_t(begin) * STORAGE_BYTES, first);
    }
    return load_line(line, begin + first, args.depth);
}

// Four depths of a whole panel.
void pack_plain(uint panel, uint begin, uint first)
{
    uint depth = begin + first;
    if (depth >= args.padded_depth) {
        return;
    }
    uint64_t target =
        args.target + (uint64_t(panel) * args.padded_depth + depth) * (TILE * 4);
    bvec4 inside = lessThan(depth + uvec4(0, 1, 2, 3), uvec4(args.depth));
    [[unroll]] for (uint i = 0; i < TILE; i += 2) {
        vec4 x = load_depths(panel * TILE + i, begin, first);
        vec4 y = load_depths(panel * TILE + i + 1, begin, first);
        x = mix(vec4(0), x, inside);
        y = mix(vec4(0), y, inside);
        [[unroll]] for (uint t = 0; t < 4; t++) {
            store_pair(target, t * TILE + i, x[t], y[t]);
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
        uint lane = index / panels * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
        pack_transposed(index % panels, lane);
    } else {
        uint lanes = gl_WorkGroupSize.x;
        uint chunks = (args.padded_depth / 4 + lanes - 1) / lanes;
        uint begin = index % chunks * lanes * 4, panel = index / chunks;
        if (panel < panels) {
            pack_plain(panel, begin, gl_LocalInvocationID.x * 4);
        }
    }
}
