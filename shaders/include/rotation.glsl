// SPDX-License-Identifier: Apache-2.0
// The angles of rotary position embedding. Include after rows.glsl and math.glsl.

// Cosine and sine of the angles of frequencies i .. i + 3 at one position.
void rotation(uint64_t position, uint64_t frequency, uint i, uint half_columns, out vec4 cosine,
    out vec4 sine)
{
    // As transformers: the angle is one fp32 product of fp32 numbers.
    precise vec4 angle =
        float(U32(position).at[0]) * load_some_f32(frequency, i, half_columns);
    cos_sin_accurate(angle, cosine, sine);
}
