// SPDX-License-Identifier: Apache-2.0
// The largest magnitude of a bf16 tensor, as the bits of that float, for kernels that multiply in
// fp16 (include/scale.glsl). A maximum of integers is the same in any order, so the atomic is
// repeatable. A workgroup has one stretch of rows.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "include/kernel.glsl"
#include "magnitude.h"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ALIGNED = 1; // lines are whole pieces of 8, aligned for one load
LW_PUSH_CONSTANTS(lw_magnitude_args)

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer U32x4 { uvec4 at[]; };

const uint ROWS = 8; // of a workgroup

// The larger of two magnitudes, each in one half of the words.
uint larger(uint bits, uint word)
{
    return max(bits, max(word << 16 & 0x7fff0000u, word & 0x7fff0000u));
}

void main()
{
    uint64_t first = lw_group_index() * ROWS;
    uint bits = 0;
    for (uint i = 0; i < ROWS && first + i < args.rows; i++) {
        uint64_t line = args.source + (first + i) * args.stride * 2;
        if (ALIGNED != 0) {
            for (uint j = gl_LocalInvocationID.x; j < args.columns / 8; j += gl_WorkGroupSize.x) {
                uvec4 piece = U32x4(line + uint64_t(j) * 16).at[0];
                bits = larger(larger(larger(larger(bits, piece.x), piece.y), piece.z), piece.w);
            }
        } else {
            for (uint j = gl_LocalInvocationID.x; j < args.columns; j += gl_WorkGroupSize.x) {
                bits = larger(bits, uint(U16(line + uint64_t(j) * 2).at[0]));
            }
        }
    }
    bits = subgroupMax(bits);
    if (subgroupElect()) {
        atomicMax(U32(args.target).at[0], bits);
    }
}
