// SPDX-License-Identifier: Apache-2.0
// How matrix cores get bf16 elements. MATRIX_BF16 defined: as they are. Else as fp16, scaled by a
// power of two for each operand that puts its largest magnitude at 2^14 and below 2^15: elements
// down to 2^-31 of that stay exact. Results are scaled back in fp32. Include after kernel.glsl and
// args, whose scales are the address of the bits of the operands' largest magnitudes
// (magnitude.comp).
#ifdef MATRIX_BF16
#extension GL_EXT_bfloat16 : require
#define ELEMENT bfloat16_t
#else
#define ELEMENT float16_t
#endif

float operand_scale(uint operand)
{
#ifdef MATRIX_BF16
    return 1;
#else
    uint exponent = U32(args.scales).at[operand] >> 23;
    return exponent == 255 ? 1 : uintBitsToFloat(clamp(268 - int(exponent), 1, 253) << 23);
#endif
}

// Two bf16 elements as the matrices hold them.
uint convert_pair(uint pair, float scale)
{
#ifdef MATRIX_BF16
    return pair;
#else
    return packHalf2x16(
        scale * vec2(uintBitsToFloat(pair << 16), uintBitsToFloat(pair & 0xffff0000u)));
#endif
}
