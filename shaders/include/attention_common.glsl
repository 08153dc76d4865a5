// SPDX-License-Identifier: Apache-2.0
// What all kernels of attention share: rows in quads of elements, padded with zeros, and which keys
// a query sees.
#include "kernel.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint HEAD_DIM = 64;
layout(constant_id = 2) const bool QUADS = true; // sizes, strides and addresses are whole quads

const uint DIM_QUADS = (HEAD_DIM + 3) / 4; // quads of a row
const float LOG2_E = 1.44269504088896341;
const float LN_2 = 0.693147180559945309;
const float LOWEST = -3.0e38; // below any score: the score of a key that is not seen

// The storage type in quads, readable at any element.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer QuadF32 { vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer QuadBf16 { uvec2 at[]; };

float load_padded(uint64_t base, uint index, uint column)
{
    return column < HEAD_DIM ? load_storage(base, index) : 0.0;
}

// Elements 4 * quad to 4 * quad + 3 of row `row` in rows of `stride`.
vec4 load_quad(uint64_t base, uint row, uint stride, uint quad)
{
    if (!QUADS) {
        uint index = row * stride + 4 * quad;
        return vec4(load_padded(base, index, 4 * quad), load_padded(base, index + 1, 4 * quad + 1),
            load_padded(base, index + 2, 4 * quad + 2), load_padded(base, index + 3, 4 * quad + 3));
    }
#ifdef STORAGE_BF16
    uvec2 bits = QuadBf16(base).at[row * (stride / 4) + quad];
    return uintBitsToFloat(
        uvec4(bits.x << 16, bits.x & 0xffff0000u, bits.y << 16, bits.y & 0xffff0000u));
#else
    return QuadF32(base).at[row * (stride / 4) + quad];
#endif
}

// The same from rows that differ by invocation, where CPU drivers go by 64 bits as fast as by 32.
vec4 load_own_quad(uint64_t base, uint quad)
{
    return QUADS && CPU_LANES != 0 ? load4_storage(base, 4 * quad) : load_quad(base, 0, 0, quad);
}

void store_quad(uint64_t base, uint quad, vec4 value)
{
    if (!QUADS) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            if (4 * quad + i < HEAD_DIM) {
                store_storage(base, 4 * quad + i, value[i]);
            }
        }
        return;
    }
    if (CPU_LANES != 0) {
        store4_storage(base, 4 * quad, value);
        return;
    }
#ifdef STORAGE_BF16
    QuadBf16(base).at[quad] = uvec2(bf16_encode(value.x) | bf16_encode(value.y) << 16,
        bf16_encode(value.z) | bf16_encode(value.w) << 16);
#else
    QuadF32(base).at[quad] = value;
#endif
}

// sum + x . y
float add_dot(vec4 x, vec4 y, float sum)
{
    return fma(x.w, y.w, fma(x.z, y.z, fma(x.y, y.y, fma(x.x, y.x, sum))));
}

// The address of columns [head * HEAD_DIM, ...) of row `row`.
uint64_t row_address(uint64_t base, uint row, uint stride, uint head)
{
    return base + (uint64_t(row) * stride + head * HEAD_DIM) * STORAGE_BYTES;
}

// Workgroup -> (head, first of its `rows` rows). Long and short causal rows alternate, so that
// drivers that deal out ranges of workgroups to threads deal out equal work.
void locate(uint tokens, uint rows, out uint head, out uint first)
{
    uint group = uint(lw_group_index());
    uint blocks = (tokens + rows - 1) / rows;
    head = group / blocks;
    uint turn = group - head * blocks;
    first = ((turn & 1) == 0 ? turn / 2 : blocks - 1 - turn / 2) * rows;
}

// The first key that `query` sees.
uint lowest_key(uint64_t segment_start, uint query, uint window)
{
    uint start = U32(segment_start).at[query];
    return window == 0 || query < window ? start : max(start, query - window + 1);
}

// One past the last query that sees `key`.
uint highest_query(uint64_t segment_end, uint key, uint window)
{
    uint end = U32(segment_end).at[key];
    return window == 0 ? end : min(end, key + window);
}
