// SPDX-License-Identifier: Apache-2.0
// Packs the operand that differs by lane in a CPU product into lane panels: 64-bit words of PER
// consecutive depths, [rows / LANES][padded_depth / PER][LANES] of them, so that a lane's next word
// and its neighbour's are both near. Rows past the last repeat it: the product never stores them.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "matmul_pack_lanes.h"

layout(local_size_x_id = 0) in;                        // the product's LANES
layout(constant_id = 1) const bool TRANSPOSED = false; // the source is [depth, rows]
layout(constant_id = 2) const bool ALIGNED = true;     // whole, aligned 64-bit words along a line
LW_PUSH_CONSTANTS(lw_matmul_pack_args)

const uint PER = 8 / STORAGE_BYTES;
const uint LANES = gl_WorkGroupSize.x;
const uint WORDS = 8; // that one invocation packs when not transposed

#ifdef STORAGE_BF16
uint64_t element(uint64_t line, uint index)
{
    return uint64_t(U16(line + index * 2).at[0]);
}
#else
uint64_t element(uint64_t line, uint index)
{
    return uint64_t(U32(line + index * 4).at[0]);
}
#endif
const uint BITS = STORAGE_BYTES * 8;
const uint64_t MASK = (uint64_t(1) << BITS) - 1;

uint64_t line_address(uint line)
{
    return args.source + uint64_t(line) * args.stride * STORAGE_BYTES;
}

// Elements first .. first + PER - 1 of a line of `count`, ends clamped.
uint64_t load_word(uint64_t line, uint first, uint count)
{
    if (ALIGNED) {
        return U64(line + min(first, count - PER) * STORAGE_BYTES).at[0];
    }
    uint64_t word = 0;
    [[unroll]] for (uint i = 0; i < PER; i++) {
        word |= element(line, min(first + i, count - 1)) << (i * BITS);
    }
    return word;
}

uint64_t word_address(uint row, uint word)
{
    uint64_t group = row / LANES;
    return args.target + ((group * (args.padded_depth / PER) + word) * LANES + row % LANES) * 8;
}

// Zeroes what lies past the depth in a word that begins at `depth`.
uint64_t cut(uint64_t word, uint depth)
{
    uint whole = args.depth > depth ? min(args.depth - depth, PER) : 0;
    return whole == PER ? word : word & ((uint64_t(1) << (whole * BITS)) - 1);
}

void pack_plain(uint row, uint first)
{
    uint64_t source = line_address(min(row, args.rows - 1));
    [[unroll]] for (uint i = 0; i < WORDS; i++) {
        uint depth = (first + i) * PER;
        if (depth < args.padded_depth) {
            U64(word_address(row, first + i)).at[0] =
                cut(load_word(source, depth, args.depth), depth);
        }
    }
}

// PER rows by PER depths: loads run along the rows, stores along the depth.
void pack_transposed(uint row, uint word)
{
    uint64_t lines[PER];
    [[unroll]] for (uint i = 0; i < PER; i++) {
        lines[i] = load_word(line_address(min(word * PER + i, args.depth - 1)), row, args.rows);
    }
    [[unroll]] for (uint j = 0; j < PER; j++) {
        uint64_t packed = 0;
        [[unroll]] for (uint i = 0; i < PER; i++) {
            packed |= ((lines[i] >> (j * BITS)) & MASK) << (i * BITS);
        }
        U64(word_address(row + j, word)).at[0] = cut(packed, word * PER);
    }
}

void main()
{
    uint index = uint(lw_group_index());
    uint groups = (args.rows + LANES - 1) / LANES, words = args.padded_depth / PER;
    uint lane = gl_LocalInvocationID.x;
    if (TRANSPOSED) {
        uint chunks = (groups + PER - 1) / PER;
        uint row = (index % chunks * LANES + lane) * PER, word = index / chunks;
        if (row < groups * LANES && word < words) {
            pack_transposed(row, word);
        }
    } else {
        uint chunks = (words + WORDS - 1) / WORDS;
        if (index / chunks < groups) {
            pack_plain(index / chunks * LANES + lane, index % chunks * WORDS);
        }
    }
}
