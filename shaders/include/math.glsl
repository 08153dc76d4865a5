// SPDX-License-Identifier: Apache-2.0
// Elementary functions that are right to a few units in the last place on every driver: Vulkan
// promises less, above all for large arguments. None relies on fma() being fused. Of exp() Vulkan
// promises 3 + 2 |x| units, which is enough for what is used of it, so kernels call it.

// log(x) of a positive, normal x; infinity and NaN stay themselves. x = 2^n m with m in [sqrt(1/2), sqrt(2)), then
// log m = 2 atanh((m - 1) / (m + 1)).
float log_accurate(float x)
{
    uint bits = floatBitsToUint(x);
    int n = int(bits - 0x3f3504f3u) >> 23;
    float m = uintBitsToFloat(bits - (uint(n) << 23));
    float s = (m - 1) / (m + 1), z = s * s;
    float series = fma(z, fma(z, fma(z, fma(z, 1.0 / 9, 1.0 / 7), 0.2), 1.0 / 3), 1.0);
    float result = fma(float(n), 0.693147180560, 2 * s * series);
    return (bits & 0x7fffffffu) >= 0x7f800000u ? x : result;
}

// cos and sin of angles up to 10^6: the angle less the nearest multiple of pi/2, whose parts have
// so few bits that the products with n are exact, then the Taylor series, |r| <= 0.79.
void cos_sin_accurate(vec4 angle, out vec4 cosine, out vec4 sine)
{
    vec4 n = roundEven(angle * 0.636619772);
    vec4 r = ((angle - n * 1.5625) - n * 0.00830078125) + n * 4.45445510e-6;
    vec4 z = r * r;
    vec4 s = fma(z, fma(z, fma(z, vec4(1.0 / 362880), vec4(-1.0 / 5040)), vec4(1.0 / 120)),
        vec4(-1.0 / 6));
    s = fma(r * z, s, r);
    vec4 c = fma(z, fma(z, fma(z, vec4(-1.0 / 3628800), vec4(1.0 / 40320)), vec4(-1.0 / 720)),
        vec4(1.0 / 24));
    c = fma(z * z, c, 1 - 0.5 * z);
    ivec4 quadrant = ivec4(n);
    bvec4 swap = notEqual(quadrant & 1, ivec4(0));
    bvec4 minus_sine = notEqual(quadrant & 2, ivec4(0));
    bvec4 minus_cosine = notEqual((quadrant + 1) & 2, ivec4(0));
    vec4 sine_part = mix(s, c, swap), cosine_part = mix(c, s, swap);
    sine = mix(sine_part, -sine_part, minus_sine);
    cosine = mix(cosine_part, -cosine_part, minus_cosine);
}
