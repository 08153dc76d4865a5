// SPDX-License-Identifier: Apache-2.0
// How matrix cores get bf16 elements. MATRIX_BF16 defined: as they are. Else as fp16, scaled by a
// power of two for each operand that puts its largest magnitude at 2^14 and below 2^15: elements
// down to 2^-31 of that stay exact. Results are scaled back in fp32. Include after kernel.glsl and
// args, whose scales are the address of the bits of the operands' largest magnitudes
// (magnitude.comp).
#ifdef MATRIX_BF16
#extension GL_EXT_bfloat16 : require
#define ELEMENT bfloat16_t
const bool SCALED = false;
#else
#define ELEMENT float16_t
const bool SCALED = true;
#endif

// The values of two elements in the low and the high half of a word.
vec2 bf16_decode_pair(uint pair)
{
    return uintBitsToFloat(uvec2(pair << 16, pair & 0xffff0000u));
}

// Two values as the matrices hold them, rounded, and back.
uint encode_pair(vec2 values)
{
    return SCALED ? packHalf2x16(values)
                  : bf16_encode(values.x) | bf16_encode(values.y) << 16;
}

vec2 decode_pair(uint pair)
{
    return SCALED ? unpackHalf2x16(pair) : bf16_decode_pair(pair);
}

float operand_scale(uint operand)
{
    if (!SCALED) {
        return 1;
    }
    uint exponent = U32(args.scales).at[operand] >> 23;
    return exponent == 255 ? 1 : uintBitsToFloat(clamp(268 - int(exponent), 1, 253) << 23);
}

// Two bf16 elements as the matrices hold them.
uint convert_pair(uint pair, float scale)
{
    return SCALED ? packHalf2x16(scale * bf16_decode_pair(pair)) : pair;
}
