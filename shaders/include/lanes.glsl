// SPDX-License-Identifier: Apache-2.0
// Workgroups of one vector on processors: neighbouring elements without a gather, as near4_* in
// kernel.glsl, but one an invocation. Include after kernel.glsl.
layout(local_size_x_id = 0) in;

const uint LANES = gl_WorkGroupSize.x;

// Element gl_SubgroupInvocationID of an array. All LANES are read in any case. mix and not ?: for the
// latter would be control flow.
float load_lane_f32(uint64_t address)
{
    F32 all = F32(address);
    float own = all.at[0];
    [[unroll]] for (uint i = 1; i < LANES; i++) {
        own = mix(own, all.at[i], gl_SubgroupInvocationID == i);
    }
    return own;
}

float load_lane_bf16(uint64_t address)
{
    U16 all = U16(address);
    uint16_t own = all.at[0];
    [[unroll]] for (uint i = 1; i < LANES; i++) {
        own = mix(own, all.at[i], gl_SubgroupInvocationID == i);
    }
    return bf16_decode(uint(own));
}

#ifdef STORAGE_BF16
#define load_lane_storage load_lane_bf16
#else
#define load_lane_storage load_lane_f32
#endif
