// SPDX-License-Identifier: Apache-2.0
// Which elements of a difference stay (task.h). Include after operands.glsl.

bvec4 before(lw_task_cut cut, uvec4 magnitude, uint i)
{
    uvec4 index = i + uvec4(0, 1, 2, 3);
    bvec4 more = greaterThan(magnitude, uvec4(cut.bits));
    bvec4 same = equal(magnitude, uvec4(cut.bits));
    bvec4 earlier = lessThan(index, uvec4(cut.index));
    return bvec4(more.x || (same.x && earlier.x), more.y || (same.y && earlier.y),
        more.z || (same.z && earlier.z), more.w || (same.w && earlier.w));
}

uvec4 magnitude_of(vec4 value)
{
    return floatBitsToUint(value) & 0x7fffffffu;
}

// `difference` with the dropped elements at zero. Element i of the part is the first of the four, a
// multiple of 4; `bits` are the words of the term, `plane` the plane's values.
vec4 kept(uint how, lw_task_term term, vec4 difference, uint i, uint64_t bits, vec4 plane)
{
    if (how == LW_TASK_CUT) {
        return mix(vec4(0), difference, before(term.low, magnitude_of(difference), i));
    }
    if (how == LW_TASK_BAND) {
        uvec4 magnitude = magnitude_of(difference);
        vec4 rest = mix(vec4(0), difference, before(term.low, magnitude, i));
        return mix(rest, vec4(0), before(term.high, magnitude, i));
    }
    if (how == LW_TASK_PLANE) {
        return mix(vec4(0), difference, before(term.low, magnitude_of(plane), i));
    }
    if (how == LW_TASK_BITS) {
        uint word = U32(bits).at[i / 32] >> (i % 32);
        return mix(vec4(0), difference, notEqual(word & uvec4(1, 2, 4, 8), uvec4(0)));
    }
    return difference;
}
