// SPDX-License-Identifier: Apache-2.0
// The sum of many fp32 values by one workgroup, in a fixed order and compensated (Kahan 1965), so
// that a million terms lose no more than a few. Include after rows.glsl and reduce.glsl.

float sum_values(uint64_t address, uint count)
{
    precise vec4 sum = vec4(0), lost = vec4(0);
    for (uint i = gl_LocalInvocationID.x * 4; i < count; i += gl_WorkGroupSize.x * 4) {
        precise vec4 term = load_some_f32(address, i, count) - lost;
        precise vec4 next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    return reduce_add((sum.x + sum.y) + (sum.z + sum.w));
}
