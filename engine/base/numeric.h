// SPDX-License-Identifier: Apache-2.0
// Half precision (IEEE 754 binary16) and bfloat16 on the host, as the element types of safetensors
// files. Conversions from float round to nearest, ties to even, overflow to infinity; a NaN stays a
// NaN of its sign. Conversions to float are exact.
#ifndef LW_BASE_NUMERIC_H
#define LW_BASE_NUMERIC_H

#include <stdint.h>
#include <string.h>

static inline uint32_t lw_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float lw_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float lw_bf16_to_float(uint16_t half)
{
    return lw_float_of_bits((uint32_t)half << 16);
}

static inline uint16_t lw_float_to_bf16(float value)
{
    uint32_t bits = lw_float_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x40u); // quiet, so that cutting leaves a NaN
    }
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline float lw_f16_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) { // infinity, NaN
        return lw_float_of_bits(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    }
    if (magnitude >= 0x400u) { // the exponent's bias goes from 15 to 127
        return lw_float_of_bits(sign | ((magnitude << 13) + (112u << 23)));
    }
    float small = (float)magnitude * 0x1p-24f; // subnormal: exact in float
    return sign ? -small : small;
}

static inline uint16_t lw_float_to_f16(float value)
{
    uint32_t bits = lw_float_bits(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    }
    if (magnitude >= 0x47800000u) { // 65536 and above
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude < 0x38800000u) { // below 2^-14: subnormal, a multiple of 2^-24
        // Adding 0.5 puts the unit of the last place at 2^-24 and rounds there.
        float shifted = lw_float_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (lw_float_bits(shifted) - 0x3f000000u));
    }
    uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23);
    return (uint16_t)(sign | rounded >> 13);
}

#endif
