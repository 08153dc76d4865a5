// SPDX-License-Identifier: Apache-2.0
// fp16 loads and stores in integer arithmetic, because drivers may flush subnormals and round as
// they like in their own conversions.

// Exact.
float f16_decode(uint bits)
{
    uint magnitude = bits & 0x7fffu;
    uint bias = magnitude >= 0x7c00u ? 0x70000000u : 0x38000000u; // infinity and NaN, or normal
    uint normal = (magnitude << 13) + bias;
    uint small = floatBitsToUint(float(magnitude) * (1.0 / 16777216.0)); // subnormal: n * 2^-24
    return uintBitsToFloat((magnitude < 0x400u ? small : normal) | (bits & 0x8000u) << 16);
}

// Round to nearest, ties to even, overflow to infinity; a NaN stays a (quiet) NaN.
uint f16_encode(float value)
{
    uint bits = floatBitsToUint(value), magnitude = bits & 0x7fffffffu;
    uint normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    // Below 2^-14 adding 0.5 puts the unit of the last place at 2^-24 and rounds there.
    uint small = floatBitsToUint(uintBitsToFloat(magnitude) + 0.5) - 0x3f000000u;
    uint result = magnitude < 0x38800000u ? small : min(normal, 0x7c00u);
    return (magnitude > 0x7f800000u ? 0x7e00u : result) | ((bits >> 16) & 0x8000u);
}

float load_f16(uint64_t address, uint64_t index)
{
    return f16_decode(uint(U16(address + index * 2).at[0]));
}

void store_f16(uint64_t address, uint64_t index, float value)
{
    U16(address + index * 2).at[0] = uint16_t(f16_encode(value));
}

vec4 load4_f16(uint64_t address, uint64_t index)
{
    uint64_t bits = U64(address + index * 2).at[0];
    uint low = uint(bits), high = uint(bits >> 32);
    return vec4(f16_decode(low & 0xffffu), f16_decode(low >> 16), f16_decode(high & 0xffffu),
        f16_decode(high >> 16));
}

// See near4_bf16.
vec4 near4_f16(uint64_t address, uint64_t index)
{
    if (CPU_LANES == 0) {
        return load4_f16(address, index);
    }
    uvec2 word = near_word(address, index);
    return vec4(f16_decode(word.x & 0xffffu), f16_decode(word.x >> 16),
        f16_decode(word.y & 0xffffu), f16_decode(word.y >> 16));
}

void store4_f16(uint64_t address, uint64_t index, vec4 value)
{
    uint low = f16_encode(value.x) | f16_encode(value.y) << 16;
    uint high = f16_encode(value.z) | f16_encode(value.w) << 16;
    U64(address + index * 2).at[0] = uint64_t(low) | uint64_t(high) << 32;
}
