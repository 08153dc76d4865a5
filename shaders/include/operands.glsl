// SPDX-License-Identifier: Apache-2.0
// Arrays whose element type is a specialization constant, two bits wide, with the values of
// enum lw_type: nothing of the choice is left in the compiled kernel. Include after kernel.glsl.
#include "half.glsl"

#define TYPE_F32 0
#define TYPE_BF16 1
#define TYPE_F16 2

// The type of operand k where two bits a piece are packed into one constant, the first lowest.
uint type_of(uint types, uint k)
{
    return (types >> (2 * k)) & 3;
}

uint64_t bytes_of(uint type)
{
    return type == TYPE_F32 ? 4 : 2;
}

vec4 load4(uint type, uint64_t address, uint64_t index)
{
    if (type == TYPE_BF16) {
        return load4_bf16(address, index);
    }
    return type == TYPE_F16 ? load4_f16(address, index) : load4_f32(address, index);
}

// See near4_bf16.
vec4 near4(uint type, uint64_t address, uint64_t index)
{
    if (type == TYPE_BF16) {
        return near4_bf16(address, index);
    }
    return type == TYPE_F16 ? near4_f16(address, index) : near4_f32(address, index);
}

float load(uint type, uint64_t address, uint64_t index)
{
    if (type == TYPE_BF16) {
        return load_bf16(address, index);
    }
    return type == TYPE_F16 ? load_f16(address, index) : load_f32(address, index);
}

void store4(uint type, uint64_t address, uint64_t index, vec4 value)
{
    if (type == TYPE_BF16) {
        store4_bf16(address, index, value);
    } else if (type == TYPE_F16) {
        store4_f16(address, index, value);
    } else {
        store4_f32(address, index, value);
    }
}

void store(uint type, uint64_t address, uint64_t index, float value)
{
    if (type == TYPE_BF16) {
        store_bf16(address, index, value);
    } else if (type == TYPE_F16) {
        store_f16(address, index, value);
    } else {
        store_f32(address, index, value);
    }
}

// Elements index .. index + 3, at once where they are `whole` (a literal, so that the other way is
// not compiled), else those before `end`; the rest counts as zero.
vec4 load_part(uint type, uint64_t address, uint64_t index, uint64_t end, bool whole)
{
    if (whole) {
        return load4(type, address, index);
    }
    vec4 value = vec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            value[i] = load(type, address, index + i);
        }
    }
    return value;
}

// The same where the index is what lane_base wants.
vec4 near_part(uint type, uint64_t address, uint64_t index, uint64_t end, bool whole)
{
    return whole ? near4(type, address, index) : load_part(type, address, index, end, false);
}

void store_part(uint type, uint64_t address, uint64_t index, uint64_t end, bool whole, vec4 value)
{
    if (whole) {
        store4(type, address, index, value);
        return;
    }
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            store(type, address, index + i, value[i]);
        }
    }
}
