// SPDX-License-Identifier: Apache-2.0
// What the lane kernels of attention share. Their idea: a workgroup is one subgroup, a lane owns
// one row (a query, or a key) and all lanes walk the same rows of the other side, whose addresses
// are free of the invocation id: CPU drivers turn those loads into broadcast operands. Arrays are
// only indexed by constants once the loops are unrolled; strides are constants (4 and 5, declared by
// each kernel), so that one pointer a tile serves all its loads. No barriers, no shared memory, nothing crosses lanes.
#include "kernel.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEAD_DIM = 64;
layout(constant_id = 2) const uint TILE = 16; // rows of the walked side per step
// Sizes, strides and addresses are multiples of two elements.
layout(constant_id = 3) const bool PAIRS = true;

const uint HALF_DIM = (HEAD_DIM + 1) / 2; // a row as pairs; an odd row ends in a zero
const float LOG2_E = 1.44269504088896341;
const float LN_2 = 0.693147180559945309;
// Below any score: keys that a lane does not see.
const float LOWEST = -3.0e38;

// Elements 2 * pair and 2 * pair + 1 of row `row` in rows of `stride`, all constants but `base`.
vec2 load_pair(uint64_t base, uint row, uint stride, uint pair)
{
    uint index = row * stride + 2 * pair;
#ifdef STORAGE_BF16
    if (PAIRS) {
        uint bits = U32(base).at[index / 2];
        return vec2(uintBitsToFloat(bits << 16), uintBitsToFloat(bits & 0xffff0000u));
    }
    return vec2(bf16_decode(uint(U16(base).at[index])),
        2 * pair + 1 < HEAD_DIM ? bf16_decode(uint(U16(base).at[index + 1])) : 0.0);
#else
    return vec2(F32(base).at[index], 2 * pair + 1 < HEAD_DIM ? F32(base).at[index + 1] : 0.0);
#endif
}

void store_pair(uint64_t base, uint pair, vec2 value)
{
#ifdef STORAGE_BF16
    if (PAIRS) {
        U32(base).at[pair] = bf16_encode(value.x) | bf16_encode(value.y) << 16;
        return;
    }
#endif
    store_storage(base, 2 * pair, value.x);
    if (2 * pair + 1 < HEAD_DIM) {
        store_storage(base, 2 * pair + 1, value.y);
    }
}

// The address of columns [head * HEAD_DIM, ...) of row `row`.
uint64_t row_address(uint64_t base, uint row, uint stride, uint head)
{
    return base + (uint64_t(row) * stride + head * HEAD_DIM) * STORAGE_BYTES;
}

// Workgroup -> (head, first row). Long and short causal rows alternate, so that drivers that deal
// out ranges of workgroups to threads deal out equal work.
void locate(uint tokens, out uint head, out uint first)
{
    uint group = uint(lw_group_index());
    uint blocks = (tokens + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x;
    head = group / blocks;
    uint turn = group - head * blocks;
    first = ((turn & 1) == 0 ? turn / 2 : blocks - 1 - turn / 2) * gl_WorkGroupSize.x;
}

// The first key that `query` sees.
uint lowest_key(uint64_t segment_start, uint query, uint window)
{
    uint start = U32(segment_start).at[query];
    return window == 0 || query < window ? start : max(start, query - window + 1);
}
