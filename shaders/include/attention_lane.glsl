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
// Sizes and strides are multiples of four elements, addresses too.
layout(constant_id = 3) const bool QUADS = true;

const uint QUADS_DIM = (HEAD_DIM + 3) / 4; // a row in quads; the last one padded with zeros
const float LOG2_E = 1.44269504088896341;
const float LN_2 = 0.693147180559945309;
// Below any score: keys that a lane does not see.
const float LOWEST = -3.0e38;

// The storage type as quads, readable at any element.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer QuadF32 { vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer QuadBf16 { uvec2 at[]; };

float load_padded(uint64_t base, uint index, uint column)
{
    return column < HEAD_DIM ? load_storage(base, index) : 0.0;
}

// Elements 4 * quad to 4 * quad + 3 of row `row` in rows of `stride`, all constants but `base`.
vec4 load_quad(uint64_t base, uint row, uint stride, uint quad)
{
    if (!QUADS) {
        uint index = row * stride + 4 * quad;
        return vec4(load_padded(base, index, 4 * quad), load_padded(base, index + 1, 4 * quad + 1),
            load_padded(base, index + 2, 4 * quad + 2), load_padded(base, index + 3, 4 * quad + 3));
    }
#ifdef STORAGE_BF16
    uvec2 bits = QuadBf16(base).at[row * (stride / 4) + quad];
    return uintBitsToFloat(uvec4(bits.x << 16, bits.x & 0xffff0000u, bits.y << 16,
        bits.y & 0xffff0000u));
#else
    return QuadF32(base).at[row * (stride / 4) + quad];
#endif
}

void store_quad(uint64_t base, uint quad, vec4 value)
{
    [[unroll]] for (uint i = 0; i < 4 && !QUADS; i++) {
        if (4 * quad + i < HEAD_DIM) {
            store_storage(base, 4 * quad + i, value[i]);
        }
    }
    if (QUADS) {
#ifdef STORAGE_BF16
        QuadBf16(base).at[quad] = uvec2(bf16_encode(value.x) | bf16_encode(value.y) << 16,
            bf16_encode(value.z) | bf16_encode(value.w) << 16);
#else
        QuadF32(base).at[quad] = value;
#endif
    }
}

// The sum of x * y added to `sum`.
float add_dot(vec4 x, vec4 y, float sum)
{
    return fma(x.w, y.w, fma(x.z, y.z, fma(x.y, y.y, fma(x.x, y.x, sum))));
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
