// SPDX-License-Identifier: Apache-2.0
// The norm of all gradients from the partial sums of their squares.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/sum.glsl"
#include "norm_finish.h"

LW_PUSH_CONSTANTS(lw_norm_finish_args)

void main()
{
    float sum = sum_values(args.partial, args.count);
    if (gl_LocalInvocationID.x == 0) {
        F32(args.norm).at[0] = sqrt(sum);
    }
}
