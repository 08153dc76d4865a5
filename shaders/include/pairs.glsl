// SPDX-License-Identifier: Apache-2.0
// Four elements an invocation, for kernels that do not mind which: on processors two pairs, one from
// each half of what a vector takes together, so that a load is of whole vectors (near4_* in kernel.glsl
// puts each vector together from single elements) and a store of 64 bits (fp32) or 32 (bf16). Elsewhere
// four neighbours. `index` as for near4_*; what lies behind the vector's part is never touched. Include
// after kernel.glsl.

LW_OWN_NEIGHBOUR(lane_u64, uint64_t, U64, CPU_LANES)
LW_OWN_NEIGHBOUR(lane_u32, uint, U32, CPU_LANES)

vec4 pairs_f32(uint64_t address, uint64_t index)
{
    if (CPU_LANES == 0) {
        return load4_f32(address, index);
    }
    uint64_t first = address + lane_base(index) * 4;
    uint64_t low = lane_u64(first), high = lane_u64(first + CPU_LANES * 8);
    return uintBitsToFloat(uvec4(uint(low), uint(low >> 32), uint(high), uint(high >> 32)));
}

void store_pairs_f32(uint64_t address, uint64_t index, vec4 value)
{
    if (CPU_LANES == 0) {
        store4_f32(address, index, value);
        return;
    }
    uint64_t mine = address + lane_base(index) * 4 + gl_SubgroupInvocationID * 8;
    uvec4 bits = floatBitsToUint(value);
    U64(mine).at[0] = uint64_t(bits.x) | uint64_t(bits.y) << 32;
    U64(mine + CPU_LANES * 8).at[0] = uint64_t(bits.z) | uint64_t(bits.w) << 32;
}

vec4 pairs_bf16(uint64_t address, uint64_t index)
{
    if (CPU_LANES == 0) {
        return load4_bf16(address, index);
    }
    uint64_t first = address + lane_base(index) * 2;
    uint low = lane_u32(first), high = lane_u32(first + CPU_LANES * 4);
    return uintBitsToFloat(
        uvec4(low << 16, low & 0xffff0000u, high << 16, high & 0xffff0000u));
}

void store_pairs_bf16(uint64_t address, uint64_t index, vec4 value)
{
    if (CPU_LANES == 0) {
        store4_bf16(address, index, value);
        return;
    }
    uint64_t mine = address + lane_base(index) * 2 + gl_SubgroupInvocationID * 4;
    U32(mine).at[0] = bf16_encode(value.x) | bf16_encode(value.y) << 16;
    U32(mine + CPU_LANES * 4).at[0] = bf16_encode(value.z) | bf16_encode(value.w) << 16;
}

#ifdef STORAGE_BF16
#define pairs_storage pairs_bf16
#define store_pairs_storage store_pairs_bf16
#else
#define pairs_storage pairs_f32
#define store_pairs_storage store_pairs_f32
#endif
