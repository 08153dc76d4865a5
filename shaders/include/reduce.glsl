// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over a workgroup, in a fixed order. All invocations must take part and all get the
// result. A workgroup of one subgroup (CPU drivers) needs neither shared memory nor barriers.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

layout(constant_id = 2) const uint ONE_SUBGROUP = 0; // 1: the workgroup is at most one subgroup

shared float reduce_parts[128]; // one per subgroup; at most 512 invocations of at least 4

float reduce_add(float value)
{
    float sum = subgroupAdd(value);
    if (ONE_SUBGROUP != 0) {
        return sum;
    }
    barrier(); // the parts of an earlier reduction have been read
    if (subgroupElect()) {
        reduce_parts[gl_SubgroupID] = sum;
    }
    barrier();
    sum = 0;
    for (uint i = 0; i < gl_NumSubgroups; i++) {
        sum += reduce_parts[i];
    }
    return sum;
}

float reduce_max(float value)
{
    float result = subgroupMax(value);
    if (ONE_SUBGROUP != 0) {
        return result;
    }
    barrier();
    if (subgroupElect()) {
        reduce_parts[gl_SubgroupID] = result;
    }
    barrier();
    result = reduce_parts[0];
    for (uint i = 1; i < gl_NumSubgroups; i++) {
        result = max(result, reduce_parts[i]);
    }
    return result;
}
