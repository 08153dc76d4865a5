// SPDX-License-Identifier: Apache-2.0
// Workgroups of one vector on processors: neighbouring elements without a gather, as near4_* in
// kernel.glsl, but one an invocation. Include after kernel.glsl.
layout(local_size_x_id = 0) in;

const uint LANES = gl_WorkGroupSize.x;

LW_OWN_NEIGHBOUR(load_lane_f32, float, F32, LANES)
LW_OWN_NEIGHBOUR(lane_u16, uint16_t, U16, LANES)

float load_lane_bf16(uint64_t address)
{
    return bf16_decode(uint(lane_u16(address)));
}

#ifdef STORAGE_BF16
#define load_lane_storage load_lane_bf16
#else
#define load_lane_storage load_lane_f32
#endif
