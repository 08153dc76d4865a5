// SPDX-License-Identifier: Apache-2.0
// The head of every kernel: extensions, push constants, and loads and stores of the storage type
// (STORAGE_BF16 defined: bf16 in memory; else fp32). Arithmetic is always fp32.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_GOOGLE_include_directive : require

#include "args.h"

// A trap: Mesa's CPU driver turns control flow into masks, and a load from an address that all
// invocations share is made even where no invocation takes the branch, and once more than a loop says
// that lies behind a condition which differs by invocation. Such an address must be valid in any case.

#define LW_JOIN_EXPANDED(a, b) a##b
#define LW_JOIN(a, b) LW_JOIN_EXPANDED(a, b)

#define LW_PUSH_CONSTANTS(name)                                                                    \
    layout(push_constant, scalar) uniform Push                                                     \
    {                                                                                              \
        name args;                                                                                 \
    };

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer F32 { float at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer U32 { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer I32 { int at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer U16 { uint16_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer F32x2 { vec2 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer U64 { uint64_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer F32x4 { vec4 at[]; };

// The number of this workgroup where lw_dispatch_linear spread the groups over x and y.
uint64_t lw_group_index()
{
    return uint64_t(gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}

float bf16_decode(uint bits)
{
    return uintBitsToFloat(bits << 16);
}

#define BYTES_f32 4
#define BYTES_bf16 2
#define BYTES_f16 2

// Round to nearest, ties to even; a NaN stays a (quiet) NaN.
uint bf16_encode(float value)
{
    uint bits = floatBitsToUint(value);
    uint rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return int(bits & 0x7fffffffu) > 0x7f800000 ? (bits >> 16) | 0x40u : rounded;
}

// Element `index` of a bf16 or fp32 array.
float load_bf16(uint64_t address, uint64_t index)
{
    return bf16_decode(uint(U16(address + index * 2).at[0]));
}

void store_bf16(uint64_t address, uint64_t index, float value)
{
    U16(address + index * 2).at[0] = uint16_t(bf16_encode(value));
}

float load_f32(uint64_t address, uint64_t index)
{
    return F32(address + index * 4).at[0];
}

void store_f32(uint64_t address, uint64_t index, float value)
{
    F32(address + index * 4).at[0] = value;
}

// Elements index .. index + 3 with index a multiple of 4: one 64-bit (bf16) or two 64-bit (fp32)
// accesses, which CPU drivers like best.
vec4 load4_bf16(uint64_t address, uint64_t index)
{
    uint64_t bits = U64(address + index * 2).at[0];
    uint low = uint(bits), high = uint(bits >> 32);
    return vec4(bf16_decode(low & 0xffffu), uintBitsToFloat(low & 0xffff0000u),
        bf16_decode(high & 0xffffu), uintBitsToFloat(high & 0xffff0000u));
}

void store4_bf16(uint64_t address, uint64_t index, vec4 value)
{
    uint low = bf16_encode(value.x) | bf16_encode(value.y) << 16;
    uint high = bf16_encode(value.z) | bf16_encode(value.w) << 16;
    U64(address + index * 2).at[0] = uint64_t(low) | uint64_t(high) << 32;
}

vec4 load4_f32(uint64_t address, uint64_t index)
{
    U64 pairs = U64(address + index * 4);
    uint64_t low = pairs.at[0], high = pairs.at[1];
    return vec4(uintBitsToFloat(uint(low)), uintBitsToFloat(uint(low >> 32)),
        uintBitsToFloat(uint(high)), uintBitsToFloat(uint(high >> 32)));
}

void store4_f32(uint64_t address, uint64_t index, vec4 value)
{
    U64 pairs = U64(address + index * 4);
    pairs.at[0] = uint64_t(floatBitsToUint(value.x)) | uint64_t(floatBitsToUint(value.y)) << 32;
    pairs.at[1] = uint64_t(floatBitsToUint(value.z)) | uint64_t(floatBitsToUint(value.w)) << 32;
}

// The invocations of a vector where the device is a processor, else 0; every pipeline is told. There a
// load whose address differs by invocation is a gather, ten times as dear as a load. But when each
// invocation chooses its own from all that are loaded, by mix, what comes out is one load of a vector.
layout(constant_id = LW_CONSTANT_LANES) const uint CPU_LANES = 0;

// Declares a function of an address that the vector shares: each of its `count` invocations gets its own
// of the neighbours there, all of which are read in any case. mix and not ?: for the latter would be
// control flow.
#define LW_OWN_NEIGHBOUR(name, type, Array, count)                                                 \
    type name(uint64_t address)                                                                    \
    {                                                                                              \
        Array all = Array(address);                                                                \
        type own = all.at[0];                                                                      \
        [[unroll]] for (uint i = 1; i < count; i++) {                                              \
            own = mix(own, all.at[i], gl_SubgroupInvocationID == i);                               \
        }                                                                                          \
        return own;                                                                                \
    }

// Words `which`, `which` + `step`, `which` + 2 `step`... of those at an address that the vector shares:
// for each invocation the next.
vec2 lane_word(uint64_t address, uint which, uint step)
{
    F32x2 words = F32x2(address);
    vec2 own = words.at[which];
    [[unroll]] for (uint i = 1; i < LW_MOST_LANES; i++) {
        if (i < CPU_LANES) {
            own = mix(own, words.at[which + i * step], bvec2(gl_SubgroupInvocationID == i));
        }
    }
    return own;
}

// For invocations that take `index` = something that they share plus four times their number: the
// index of the first of the vector's.
uint64_t lane_base(uint64_t index)
{
    return index - gl_LocalInvocationID.x * 4 + gl_SubgroupID * (CPU_LANES * 4);
}

// load4_f32 and load4_bf16 for such an index. Where some of the invocations are idle, theirs are read
// all the same: they lie in the array, or in the padding behind it.
vec4 near4_f32(uint64_t address, uint64_t index)
{
    if (CPU_LANES == 0) {
        return load4_f32(address, index);
    }
    uint64_t first = address + lane_base(index) * 4;
    return vec4(lane_word(first, 0, 2), lane_word(first, 1, 2));
}

uvec2 near_word(uint64_t address, uint64_t index)
{
    return floatBitsToUint(lane_word(address + lane_base(index) * 2, 0, 1));
}

vec4 near4_bf16(uint64_t address, uint64_t index)
{
    if (CPU_LANES == 0) {
        return load4_bf16(address, index);
    }
    uvec2 word = near_word(address, index);
    return vec4(bf16_decode(word.x & 0xffffu), uintBitsToFloat(word.x & 0xffff0000u),
        bf16_decode(word.y & 0xffffu), uintBitsToFloat(word.y & 0xffff0000u));
}

#ifdef STORAGE_BF16
#define STORAGE_BYTES 2
#define load_storage load_bf16
#define store_storage store_bf16
#define load4_storage load4_bf16
#define near4_storage near4_bf16
#define store4_storage store4_bf16
#else
#define STORAGE_BYTES 4
#define load_storage load_f32
#define store_storage store_f32
#define load4_storage load4_f32
#define near4_storage near4_f32
#define store4_storage store4_f32
#endif
