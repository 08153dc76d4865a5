// SPDX-License-Identifier: Apache-2.0
// The losses of all rows added up.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "include/kernel.glsl"
#include "include/rows.glsl"
#include "include/reduce.glsl"
#include "include/sum.glsl"
#include "loss_sum.h"

LW_PUSH_CONSTANTS(lw_loss_sum_args)

void main()
{
    float sum = sum_values(args.losses, U32(args.row_count).at[0]);
    if (gl_LocalInvocationID.x == 0) {
        F32(args.sum).at[0] += F32(args.loss_scale).at[0] * sum;
    }
}
